// A copy of state to go back to if a user's constraint throws after the step it belongs to was done.

/** Arrays that a step may change, and room to keep their values. Allocated once: saving allocates nothing. */
export class Snapshot {
  readonly #arrays: readonly (() => Float32Array | Uint16Array)[];
  /** Float32 holds every number of 16 bits. */
  readonly #copies: readonly Float32Array[];

  constructor(arrays: readonly (() => Float32Array | Uint16Array)[]) {
    this.#arrays = arrays;
    this.#copies = arrays.map((array) => new Float32Array(array().length));
  }

  save(): void {
    for (let i = 0; i < this.#arrays.length; i++) this.#copies[i]?.set(this.#arrays[i]?.() ?? []);
  }

  restore(): void {
    for (let i = 0; i < this.#arrays.length; i++) this.#arrays[i]?.().set(this.#copies[i] ?? []);
  }
}
