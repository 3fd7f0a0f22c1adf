// The trained variables and their state: tensors that stay on the device.

import type { Slot } from "../../generated/codes.js";
import type { ResolvedOverrides } from "../../optimizers/overrides.js";
import type { TensorFlow, TensorLike, VariableLike } from "../tensorflow.js";
import { pair } from "../weights.js";

/** The state of one variable. */
export interface Entry {
  readonly name: string;
  readonly shape: readonly number[];
  /** Not known yet for state that was loaded and waits for its variable. */
  variable: VariableLike | undefined;
  readonly slots: Map<Slot, TensorLike>;
  /** Its overrides. `weightDecay` is `false` if it is excluded from that. */
  options: ResolvedOverrides;
}

/** What a step makes of one variable: new tensors, which replace the old ones when all are made. */
export interface Write {
  readonly entry: Entry;
  readonly slots: ReadonlyMap<Slot, TensorLike>;
  readonly value: TensorLike | undefined;
}

export class Variables {
  readonly #tf: TensorFlow;
  #entries: readonly Entry[] = [];
  #byVariable = new Map<VariableLike, Entry>();

  constructor(tf: TensorFlow) {
    this.#tf = tf;
  }

  /** All of them, in the order in which they came. */
  get all(): readonly Entry[] {
    return this.#entries;
  }

  /** Those whose variables tfjs still has. */
  get live(): readonly Entry[] {
    return this.#entries.filter(isLive);
  }

  get hasLive(): boolean {
    return this.#entries.some(isLive);
  }

  /** Whether it is one of the live. */
  has(variable: VariableLike): boolean {
    return !variable.isDisposed && this.#byVariable.has(variable);
  }

  of(variable: VariableLike): Entry | undefined {
    return this.#byVariable.get(variable);
  }

  /**
   * The entries of these variables: known ones, ones that wait for them, or new ones that `make` makes. `optionsOf` says what those
   * do that were not known. `keep` takes them up, `drop` takes everything back.
   *
   * @throws {CheckpointError} if it is not clear which waiting state belongs to which variable.
   */
  meet(
    variables: readonly VariableLike[],
    optionsOf: (variable: VariableLike) => ResolvedOverrides,
    make: (variable: VariableLike, options: ResolvedOverrides) => Entry,
  ): { readonly entries: readonly Entry[]; keep(): void; drop(): void } {
    const unknown = [...new Set(variables)].filter((variable) => !this.#byVariable.has(variable));
    const waiting = this.#entries.filter(({ variable }) => variable === undefined);
    const partners = pair(waiting, unknown, this.#byVariable.size === 0);
    // First, because a user's regular expression can throw.
    const options = unknown.map(optionsOf);
    const fresh: Entry[] = [];
    const met = new Map(
      unknown.map((variable, i) => {
        const partner = partners[i];
        const own = options[i] as ResolvedOverrides;
        const entry = partner ?? make(variable, own);
        if (!partner) fresh.push(entry);
        entry.variable = variable;
        entry.options = own;
        return [variable, entry];
      }),
    );
    return {
      entries: variables.map((variable) => (this.#byVariable.get(variable) ?? met.get(variable)) as Entry),
      keep: () => {
        if (fresh.length > 0) {
          const isGone = ({ variable }: Entry) => variable?.isDisposed;
          disposeSlots(this.#entries.filter(isGone));
          this.#entries = [...this.#entries.filter((entry) => !isGone(entry)), ...fresh];
        }
        this.#index();
      },
      drop: () => {
        for (const entry of met.values()) entry.variable = undefined;
        disposeSlots(fresh);
      },
    };
  }

  /** Replaces all state. */
  replace(entries: readonly Entry[]): void {
    disposeSlots(this.#entries);
    this.#entries = entries;
    this.#index();
  }

  /** Takes over what was made; the tensors belong to a scope of tfjs' that has not ended. */
  commit(writes: readonly Write[]): void {
    for (const { entry, slots, value } of writes) {
      for (const [slot, tensor] of slots) {
        this.#tf.keep(tensor);
        entry.slots.get(slot)?.dispose();
        entry.slots.set(slot, tensor);
      }
      if (value) entry.variable?.assign(value);
    }
  }

  #index(): void {
    this.#byVariable = new Map(
      this.#entries.flatMap((entry) => (entry.variable ? [[entry.variable, entry] as const] : [])),
    );
  }
}

const isLive = ({ variable }: Entry): boolean => variable !== undefined && !variable.isDisposed;

function disposeSlots(entries: readonly Entry[]): void {
  for (const { slots } of entries) {
    for (const tensor of slots.values()) tensor.dispose();
    slots.clear();
  }
}
