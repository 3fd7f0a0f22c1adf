// The module's own exports with any numbers: no call traps, none reaches memory that is not its own, and both backends answer the
// same. (The wrapper never makes most of these calls; a host that is not JavaScript may.)
import * as fc from "fast-check";
import { createRuntime } from "rmsprop-wasm";
import { numbers } from "../noise.mjs";
import { anyNumber } from "./draws.mjs";

/** @typedef {Record<string, (...numbers: number[]) => number> & { memory: { buffer: ArrayBuffer } }} Kernel */
/** @typedef {"handle" | "scale" | "count" | "slot" | "index" | "row" | "size" | "dtype" | "flag" | "limit" | "reserve" | "any"} Kind */

/** What each argument is; beside what it should be, any number is tried. @type {Record<string, readonly Kind[]>} */
const EXPORTS = {
  variable_create: ["size", "flag", "dtype"],
  variable_free: ["handle"],
  variable_value: ["handle"],
  variable_gradient: ["handle"],
  optimizer_create: [],
  optimizer_set: ["handle", "row", "any"],
  optimizer_add: ["handle", "handle"],
  optimizer_build: ["handle"],
  optimizer_slot: ["handle", "slot", "index"],
  optimizer_select: ["handle", "index", "index"],
  optimizer_override: ["handle", "index", "any", "flag", "any", "flag"],
  optimizer_watch: ["handle", "flag"],
  optimizer_raw_iterations: ["handle"],
  optimizer_iterations: ["handle"],
  optimizer_set_raw_iterations: ["handle", "any"],
  optimizer_step: ["handle", "scale", "any", "count"],
  optimizer_finalize: ["handle"],
  optimizer_free: ["handle"],
  loss_scale_create: ["any", "any", "any", "any"],
  loss_scale_value: ["handle"],
  loss_scale_counter: ["handle"],
  loss_scale_set: ["handle", "any", "any"],
  loss_scale_free: ["handle"],
  memory_limit: ["limit"],
  memory_reserve: ["reserve"],
  exponential_decay: ["any", "any", "any", "any", "flag"],
  inverse_time_decay: ["any", "any", "any", "any", "flag"],
  polynomial_decay: ["any", "any", "any", "any", "any", "flag"],
  cosine_decay: ["any", "any", "any", "any", "any", "any"],
  cosine_decay_restarts: ["any", "any", "any", "any", "any", "any"],
};

/** Exports that return an address: the two backends lay memory out differently. */
const ADDRESSES = new Set(["variable_value", "variable_gradient", "optimizer_slot", "optimizer_watch"]);
const CREATES = new Set(["variable_create", "optimizer_create", "loss_scale_create"]);
/** Calls that lead somewhere are drawn more often than those that only ask. */
const OFTEN = new Set([
  "variable_create",
  "optimizer_create",
  "optimizer_set",
  "optimizer_add",
  "optimizer_build",
  "optimizer_step",
]);

/** An argument: a number, or "the handle that was the n-th to be made". @type {Record<Kind, fc.Arbitrary<number | { handle: number }>>} */
const ARGUMENTS = {
  handle: fc.oneof({ arbitrary: fc.record({ handle: fc.nat(7) }), weight: 12 }, { arbitrary: anyNumber, weight: 1 }),
  scale: fc.oneof(
    { arbitrary: fc.constant(0), weight: 6 },
    { arbitrary: fc.record({ handle: fc.nat(7) }), weight: 6 },
    { arbitrary: anyNumber, weight: 1 },
  ),
  count: fc.oneof({ arbitrary: fc.integer({ min: -1, max: 4 }), weight: 6 }, { arbitrary: anyNumber, weight: 1 }),
  // Sizes between these fit the memory of one backend and not of the other.
  size: fc.oneof(
    { arbitrary: fc.nat(300), weight: 6 },
    { arbitrary: fc.constantFrom(2 ** 30, 2 ** 31, 2 ** 32 - 1, -1), weight: 1 },
  ),
  index: fc.oneof({ arbitrary: fc.nat(4), weight: 6 }, { arbitrary: anyNumber, weight: 1 }),
  row: fc.oneof({ arbitrary: fc.nat(15), weight: 8 }, { arbitrary: anyNumber, weight: 1 }),
  slot: fc.oneof({ arbitrary: fc.nat(5), weight: 8 }, { arbitrary: anyNumber, weight: 1 }),
  dtype: fc.oneof({ arbitrary: fc.nat(2), weight: 8 }, { arbitrary: anyNumber, weight: 1 }),
  flag: fc.oneof({ arbitrary: fc.nat(1), weight: 8 }, { arbitrary: anyNumber, weight: 1 }),
  limit: fc.constantFrom(2 ** 32 - 1, 2 ** 32 - 1, 0),
  reserve: fc.constantFrom(0, 1, 1000, 2 ** 32 - 1),
  any: fc.oneof(anyNumber, fc.double({ min: -2, max: 2, noNaN: true })),
};

const call = fc.oneof(
  ...Object.entries(EXPORTS).map(([name, kinds]) => ({
    weight: OFTEN.has(name) ? 6 : 1,
    arbitrary: fc.tuple(...kinds.map((kind) => ARGUMENTS[kind])).map((given) => ({ name, given })),
  })),
);

/** Often there is an optimizer to begin with, with any options, and variables; the newest handle has number 0. */
const beginning = fc
  .tuple(fc.nat(40), fc.array(fc.tuple(ARGUMENTS.row, ARGUMENTS.any), { maxLength: 4 }), fc.boolean())
  .map(([size, options, isScaled]) => [
    { name: "variable_create", given: [size, 0, 0] },
    ...(isScaled ? [{ name: "loss_scale_create", given: [8, 2, 1, 16] }] : []),
    { name: "optimizer_create", given: [] },
    ...options.map(([row, number]) => ({ name: "optimizer_set", given: [{ handle: 0 }, row, number] })),
    { name: "optimizer_add", given: [{ handle: 0 }, { handle: isScaled ? 2 : 1 }] },
    { name: "optimizer_build", given: [{ handle: 0 }] },
    { name: "optimizer_step", given: [{ handle: 0 }, 0, 0.1, -1] },
    { name: "optimizer_iterations", given: [{ handle: 0 }] },
  ]);

const PATTERN = numbers(37, { seed: 99, kind: "unit" });

/** One instance, with variables that no call names: what reaches them is a fault. */
class Instance {
  /** @param {"wasm" | "js"} backend */
  constructor(backend) {
    this.kernel = /** @type {{ kernel: Kernel }} */ (/** @type {unknown} */ (createRuntime({ backend }))).kernel;
    // The wrapper has probed WebAssembly with a first step. The same handles must be used up in both backends.
    if (backend === "js") {
      this.#export("variable_free")(this.#export("variable_create")(1, 0, 0));
      this.#export("optimizer_free")(this.#export("optimizer_create")());
    }
    // Each kind of object has handles of its own: the canaries' are beyond those that a case can make of any kind.
    const below = Array.from({ length: 128 }, () => this.#export("variable_create")(0, 0, 0));
    this.canaries = Array.from({ length: 4 }, () => this.#canary());
    for (const handle of below) this.#export("variable_free")(handle);
    this.canaryHandles = new Set(this.canaries.map(({ handle }) => handle));
    /** @type {number[]} */
    this.handles = [];
    /** Sizes of the variables that were made. @type {Map<number, number>} */
    this.sizes = new Map();
  }

  #canary() {
    const handle = this.#export("variable_create")(PATTERN.length, 0, 0) >>> 0;
    const addresses = ["variable_value", "variable_gradient"].map((name) => this.#export(name)(handle) >>> 0);
    for (const address of addresses) this.floats(address, PATTERN.length).set(PATTERN);
    return { handle, addresses };
  }

  /** @param {string} name */
  #export(name) {
    return /** @type {(...numbers: number[]) => number} */ (this.kernel[name]);
  }

  /** @param {number} address @param {number} length */
  floats(address, length) {
    return new Float32Array(this.kernel.memory.buffer, address, length);
  }

  /** @param {string} name @param {readonly (number | { handle: number })[]} given */
  call(name, given) {
    const resolved = given.map((argument) => {
      const number =
        typeof argument === "number"
          ? argument
          : (this.handles[argument.handle % Math.max(1, this.handles.length)] ?? 0);
      return this.canaryHandles.has(number >>> 0) ? 0 : number;
    });
    const returned = this.#export(name)(...resolved);
    if (CREATES.has(name) && returned !== 0) {
      this.handles.unshift(returned >>> 0);
      if (name === "variable_create")
        this.#fill(returned >>> 0, /** @type {number} */ (resolved[0]), /** @type {number} */ (resolved[2]));
    }
    if (ADDRESSES.has(name)) return returned === 0 ? "null" : "an address";
    return Number.isNaN(returned) ? "NaN" : Object.is(returned, -0) ? "-0" : String(returned);
  }

  /** Values that are no zeros, so that steps do something. @param {number} handle @param {number} size @param {number} dtype */
  #fill(handle, size, dtype) {
    this.sizes.set(handle, size);
    this.floats(this.#export("variable_value")(handle) >>> 0, size).set(numbers(size, { seed: size, kind: "unit" }));
    // 16-bit gradients have half the memory; any other type is float32.
    const isHalf = dtype >>> 0 === 1 || dtype >>> 0 === 2;
    const gradient = numbers(size, { seed: size + 1, kind: "unit" });
    if (!isHalf) this.floats(this.#export("variable_gradient")(handle) >>> 0, size).set(gradient);
  }

  /** The values of all variables that are there, one NaN for all. */
  values() {
    return this.handles.map((handle) => {
      const size = this.sizes.get(handle);
      const address = size === undefined ? 0 : this.#export("variable_value")(handle) >>> 0;
      if (address === 0 || size === undefined) return "";
      const canonical = this.floats(address, size).map((x) => (Number.isNaN(x) ? Number.NaN : x));
      return Buffer.from(canonical.buffer).toString("hex");
    });
  }

  assertCanariesLive() {
    for (const { addresses } of this.canaries) {
      for (const address of addresses) {
        if (!this.floats(address, PATTERN.length).every((x, i) => x === PATTERN[i])) throw new Error("A canary died.");
      }
    }
  }
}

/** @type {import("./run.mjs").Campaign} */
export const campaign = {
  name: "raw-exports",
  what: "any numbers to the module's exports, both backends beside each other",
  property: () =>
    fc.property(
      fc.oneof(fc.constant([]), beginning),
      fc.array(call, { minLength: 1, maxLength: 60 }),
      (first, others) => {
        const calls = [...first, ...others];
        const [wasm, js] = [new Instance("wasm"), new Instance("js")];
        for (const [i, { name, given }] of calls.entries()) {
          const [one, other] = [wasm.call(name, given), js.call(name, given)];
          if (one !== other) throw new Error(`call ${i}, ${name}: wasm ${one}, js ${other}`);
          const [here, there] = [wasm.values(), js.values()];
          const differs = here.findIndex((text, variable) => text !== there[variable]);
          if (differs >= 0) throw new Error(`call ${i}, ${name}: the values of handle ${wasm.handles[differs]} differ`);
        }
        wasm.assertCanariesLive();
        js.assertCanariesLive();
      },
    ),
};
