/**
 * Replays one training case, plain or loss-scaled, through the public API and lists everything that is not equal in bits.
 * The recorded vectors, other vectors in the same format and the live comparison with Keras (test/keras) all use this.
 */

import { deserialize, nonNeg, Variable } from "rmsprop-wasm";
import { bitsOf, crcOf, decodeFloats, decodeInts, encode, fromBits } from "./bits.js";
import { Cancellations, mayCancelFrom } from "./cancellation.js";
import { type Checkpoint, type EncodedSlots, SLOTS, type Store, type TrainingCase } from "./format.js";
import { generate } from "./generator.js";
import { type Mismatch, Mismatches } from "./mismatch.js";
import { isSerialized, makeOptimizers, type Optimizers, type Runtime, type Subject } from "./subject.js";

type RawStore = Record<string, Int32Array | Float32Array>;

/** What a run leaves behind for others to continue from: the model's values and the optimizer's own at `save_at`. */
export interface Saved {
  readonly variables: readonly Float32Array[];
  readonly store: RawStore;
}

export function replayTraining(vector: TrainingCase, subject: Subject, onSaved?: (saved: Saved) => void): Mismatch[] {
  const found = new Mismatches();
  const { config, get_config } = vector;
  const original = structuredClone({ config, get_config });
  let saved: Saved | undefined;
  withTraining(vector, subject, found, "", (training) => {
    training.checkIdentity();
    saved = training.run(0, vector.steps);
    training.checkEnd();
  });
  const cancelsFrom = mayCancelFrom(vector) ?? Number.POSITIVE_INFINITY;
  if (saved !== undefined && vector.save_at! <= cancelsFrom) {
    onSaved?.(saved);
    resume(vector, subject, saved.variables, found);
  }
  found.equal("configurations after fromConfig, which must not change them", { config, get_config }, original);
  return found.list;
}

/** Keras' own store, loaded into a fresh optimizer, gives the rest of the recorded trace. */
function resume(vector: TrainingCase, subject: Subject, variables: readonly Float32Array[], found: Mismatches): void {
  withTraining(vector, subject, found, "resumed, ", (training) => {
    training.load(variables, fromStore(vector.store!));
    training.run(vector.save_at!, vector.steps);
    training.checkEnd();
  });
}

function withTraining(
  vector: TrainingCase,
  subject: Subject,
  found: Mismatches,
  where: string,
  use: (training: Training) => void,
): void {
  const training = new Training(vector, subject, found, where);
  try {
    use(training);
  } finally {
    training.free();
  }
}

function fromStore(store: Store): RawStore {
  return Object.fromEntries(
    Object.entries(store).map(([key, { dtype, b64 }]) => [
      key,
      dtype === "int32" ? decodeInts(b64) : decodeFloats(b64),
    ]),
  );
}

class Training {
  readonly #where: string;
  readonly #vector: TrainingCase;
  readonly #subject: Subject;
  readonly #found: Mismatches;
  readonly #variables: readonly Variable[];
  readonly #optimizers: Optimizers;
  readonly #cancellations: Cancellations;
  readonly #absent: ReadonlySet<string>;

  constructor(vector: TrainingCase, subject: Subject, found: Mismatches, where: string) {
    this.#where = where;
    this.#vector = vector;
    this.#subject = subject;
    this.#found = found;
    this.#variables = makeVariables(vector, subject.runtime);
    this.#optimizers = makeOptimizers(vector, subject.route);
    this.#cancellations = new Cancellations(vector);
    this.#absent = new Set(vector.grad_none?.map(([step, i]) => `${step},${i}`));
    this.#excludeFromWeightDecay();
    this.#checkScaledLoss("scaleLoss before build", vector.scale_loss_unbuilt_of_3);
    this.#outer.build([...this.#variables]);
    this.#useRecordedRates();
    if (vector.norm_bits) this.#outer.measure = { gradientNorm: true };
  }

  get #outer() {
    return this.#optimizers.scaler ?? this.#optimizers.inner;
  }

  free(): void {
    this.#outer.free();
    for (const variable of this.#variables) variable.free();
  }

  #excludeFromWeightDecay(): void {
    const { exclude_from_weight_decay: names, exclude_variables: indices } = this.#vector;
    if (names === undefined && indices === undefined) return;
    this.#optimizers.inner.excludeFromWeightDecay({
      ...(names && { names: [...names] }),
      ...(indices && { variables: indices.map((i) => this.#variables[i]!) }),
    });
  }

  /** Where Keras' own pow, cos or log rounded otherwise than the specification, training goes on with Keras' rates. */
  #useRecordedRates(): void {
    const { lr_bits: bits, spec_differs: differs } = this.#vector;
    if (bits === undefined || differs === undefined || differs.length === 0) return;
    this.#outer.learningRate = { at: (step: number) => fromBits(bits[step]!) };
  }

  /** All that does not need a step: the names, the configuration, the schedule's rates. */
  checkIdentity(): void {
    const { config, get_config, lr_bits, optimizer_variable_paths, spec_differs } = this.#vector;
    this.#equal(
      "optimizer.variables: paths",
      this.#outer.variables.map(({ path }) => path),
      optimizer_variable_paths,
    );
    const fresh = makeOptimizers(this.#vector, this.#subject.route);
    this.#equal("getConfig()", (fresh.scaler ?? fresh.inner).getConfig(), get_config);
    (fresh.scaler ?? fresh.inner).free();
    if (lr_bits === undefined || !isSerialized(config["learning_rate"])) return;
    const expected = [...lr_bits];
    for (const { index, spec_bits } of spec_differs ?? []) expected[index] = spec_bits;
    const schedule = deserialize(config["learning_rate"] as never);
    for (const [step, bits] of expected.entries()) {
      this.#equal(`schedule at step ${step}`, bitsOf(schedule.at(step)), bits);
    }
  }

  run(from: number, to: number): Saved | undefined {
    const { save_at: saveAt, checkpoints = [] } = this.#vector;
    let saved: Saved | undefined;
    for (let step = from; step < to; step++) {
      this.#apply(step);
      this.#cancellations.observe(step, this.#variables, this.#optimizers.inner);
      this.#checkTrace(step);
      for (const checkpoint of checkpoints) {
        if (checkpoint.after_applies === step + 1) this.#checkCheckpoint(checkpoint);
      }
      if (step + 1 === saveAt && from < saveAt) saved = this.#save();
    }
    this.#equal(
      "first step at which a denominator would be ≤ 0",
      this.#cancellations.from,
      mayCancelFrom(this.#vector),
    );
    return saved;
  }

  load(variables: readonly Float32Array[], store: RawStore): void {
    for (const [i, variable] of this.#variables.entries()) variable.assign(variables[i]!);
    // A rate other than the stored one, which the store must bring back.
    if (!isSerialized(this.#vector.config["learning_rate"])) this.#outer.learningRate = 0.625;
    this.#outer.loadOwnVariables(store);
  }

  checkEnd(): void {
    const { final, finalized_crc32: finalized, own_iteration_after: ownIteration } = this.#vector;
    this.#checkScaledLoss("scaleLoss at the end", this.#vector.scale_loss_of_3_after);
    if (final) this.#checkSlots("final", "b64f32", final);
    if (ownIteration !== undefined) {
      this.#equal("the outer optimizer's own iteration", this.#outer.variables[0]!.value[0], ownIteration);
    }
    if (finalized === undefined) return;
    this.#outer.finalizeVariableValues();
    if (this.#comparable) this.#equal("finalizeVariableValues: model CRC", this.#modelCrc(), finalized);
  }

  // --- one apply ---

  #apply(step: number): void {
    for (const [at, rate] of this.#vector.set_learning_rate ?? []) {
      if (at === step) this.#outer.learningRate = rate;
    }
    this.#checkRate(step);
    const gradients = this.#gradients(step);
    const order = this.#vector.order?.find(([at]) => at === step)?.[1];
    if (order) {
      this.#outer.apply(
        order.map((i) => gradients[i] ?? null),
        order.map((i) => this.#variables[i]!),
      );
    } else {
      this.#feed(gradients);
    }
  }

  #feed(gradients: readonly (Float32Array | null)[]): void {
    const { route } = this.#subject;
    if (route === "get_config") {
      const iterations = this.#outer.applyGradients(gradients.map((gradient, i) => [gradient, this.#variables[i]!]));
      if (!this.#optimizers.scaler) this.#equal("applyGradients()", iterations, this.#optimizers.inner.rawIterations);
    } else if (route === "config" && gradients.every((gradient) => gradient !== null)) {
      for (const [i, gradient] of gradients.entries()) this.#variables[i]!.gradient.set(gradient);
      this.#outer.step();
    } else {
      this.#outer.apply([...gradients]);
    }
  }

  #gradients(step: number): (Float32Array | null)[] {
    const { grad, inject, times_scale: timesScale } = this.#vector;
    const positions = positionsOf(this.#vector, step);
    return this.#variables.map((variable, i) => {
      if (this.#absent.has(`${step},${i}`)) return null;
      const gradient = generate(grad, positions[i]!, variable.value);
      if (timesScale) {
        const scale = this.#optimizers.scaler!.dynamicScale;
        for (let e = 0; e < gradient.length; e++) gradient[e] = gradient[e]! * scale;
      }
      for (const [at, which, index, bits] of inject ?? []) {
        if (at === step && which === i) new Uint32Array(gradient.buffer)[index] = bits;
      }
      return gradient;
    });
  }

  #checkRate(step: number): void {
    const bits = this.#vector.lr_bits?.[step];
    if (bits !== undefined)
      this.#equal(`learningRate before apply ${step + 1}`, bitsOf(this.#outer.learningRate as number), bits);
  }

  // --- what must be equal after it ---

  /** False once Keras holds a NaN that rounding made: whole arrays then differ, single elements are still compared. */
  get #comparable(): boolean {
    return this.#cancellations.from === undefined;
  }

  #equal(where: string, actual: unknown, expected: unknown): void {
    this.#found.equal(this.#where + where, actual, expected);
  }

  #checkTrace(step: number): void {
    const norm = this.#vector.norm_bits?.[step];
    if (typeof norm === "string" && this.#comparable) {
      const { gradientNorm, outcome } = this.#outer.lastStep!;
      this.#equal(`lastStep after apply ${step + 1}`, [outcome, bitsOf(gradientNorm!)], ["updated", norm]);
    }
    const { trace, trace_crc32: traceCrc, state_crc32: stateCrc } = this.#vector;
    const [model, state] = [this.#modelCrc(), this.#stateCrc()];
    const after = `after apply ${step + 1}`;
    if (trace) {
      const scaler = this.#optimizers.scaler!;
      const [scale, counter, iterations, modelExpected, stateExpected] = trace[step]!;
      const counters = [bitsOf(scaler.dynamicScale), scaler.stepCounter, this.#optimizers.inner.rawIterations];
      this.#equal(`dynamicScale, stepCounter, rawIterations ${after}`, counters, [scale, counter, iterations]);
      if (this.#comparable) this.#equal(`model and state CRC ${after}`, [model, state], [modelExpected, stateExpected]);
    } else if (this.#comparable) {
      this.#equal(`model CRC ${after}`, model, traceCrc![step]);
      this.#equal(`state CRC ${after}`, state, stateCrc![step]);
    }
  }

  #checkCheckpoint(checkpoint: Checkpoint): void {
    const after = `after apply ${checkpoint.after_applies}`;
    const { inner } = this.#optimizers;
    const counters = [inner.rawIterations, inner.iterations, this.#outer.iterations];
    const { raw_iterations: raw, iterations } = checkpoint;
    this.#equal(`rawIterations and iterations ${after}`, counters, [raw, iterations, iterations]);
    this.#checkSlots(after, checkpoint.encoding, checkpoint.slots);
  }

  #checkSlots(when: string, encoding: Checkpoint["encoding"], expected: EncodedSlots): void {
    for (const slot of ["variable", ...SLOTS] as const) {
      this.#variables.forEach((variable, i) => {
        const where = `${slot} of variable ${i} ${when}`;
        const actual = slot === "variable" ? variable.value : this.#optimizers.inner.slot(slot, variable);
        const recorded = expected[slot]?.[i] ?? null;
        if (actual === null || recorded === null) {
          this.#equal(`${where}: is there`, actual !== null, recorded !== null);
        } else if (encoding === "b64f32") {
          this.#cancellations.compare(this.#where + where, slot, i, actual, decodeFloats(recorded), this.#found);
        } else if (this.#comparable) {
          this.#equal(where, crcOf([actual]), recorded);
        }
      });
    }
  }

  #save(): Saved {
    const store = this.#outer.saveOwnVariables() as RawStore;
    const described = Object.fromEntries(
      this.#outer.variables.map(({ path, dtype, shape, value }, i) => [
        i,
        { path, dtype, shape: [...shape], b64: encodeAny(value) },
      ]),
    );
    if (this.#comparable) {
      const expected = this.#vector.store!;
      this.#equal("optimizer.variables when saved", described, expected);
      const data = Object.entries(expected).map(([key, { dtype, b64 }]) => [key, dtype, b64]);
      this.#equal(
        "saveOwnVariables()",
        Object.entries(store).map(([key, value]) => [
          key,
          value instanceof Int32Array ? "int32" : "float32",
          encodeAny(value),
        ]),
        data,
      );
    }
    return { variables: this.#variables.map(({ value }) => value.slice()), store };
  }

  #checkScaledLoss(where: string, expected: string | undefined): void {
    if (expected !== undefined) this.#equal(where, bitsOf(Math.fround(this.#outer.scaleLoss(3))), expected);
  }

  #modelCrc(): string {
    return crcOf(this.#variables.map(({ value }) => value));
  }

  /** Slots in the order of their names, in which "variable" comes between "momentum" and "velocity". */
  #stateCrc(): string {
    const order = [...SLOTS, "variable" as const].sort();
    const arrays = order.flatMap((slot) =>
      this.#variables.map((variable) =>
        slot === "variable" ? variable.value : this.#optimizers.inner.slot(slot, variable),
      ),
    );
    return crcOf(arrays.filter((values) => values !== null));
  }
}

export function encodeAny(values: Int32Array | Float32Array): string {
  if (values instanceof Float32Array) return encode(values);
  return Buffer.from(values.buffer, values.byteOffset, values.byteLength).toString("base64");
}

function sizeOf(shape: readonly number[]): number {
  return shape.reduce((size, dimension) => size * dimension, 1);
}

function positionsOf({ variables }: TrainingCase, step: number) {
  const sizes = variables.map(({ shape }) => sizeOf(shape));
  const total = sizes.reduce((sum, size) => sum + size, 0);
  let offset = 0;
  return sizes.map((size) => {
    const position = { step, total, offset, size };
    offset += size;
    return position;
  });
}

function makeVariables(vector: TrainingCase, runtime: Runtime): Variable[] {
  const positions = positionsOf(vector, 0);
  return vector.variables.map((spec, i) => {
    const empty = new Float32Array(0);
    const value =
      spec.init_b64 === undefined ? generate(vector.init, positions[i]!, empty) : decodeFloats(spec.init_b64);
    return new Variable(value, {
      name: spec.name,
      path: spec.path,
      shape: [...spec.shape],
      runtime,
      ...(spec.constraint === "NonNeg" && { constraint: nonNeg }),
      ...(spec.overwrite_with_gradient && { overwriteWithGradient: true }),
    });
  });
}
