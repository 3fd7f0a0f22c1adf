// The class of the form that stays on the device: a `tf.Optimizer` whose values, gradients and state are tensors.

import { SLOTS, type Slot } from "../../generated/codes.js";
import type { Hyperparameters } from "../../generated/hyperparameters.js";
import { freeOnError } from "../../memory/free-on-error.js";
import { defaultRuntime } from "../../memory/runtime.js";
import { Variable } from "../../memory/variable.js";
import { type LearningRate, lockedLearningRateAt, replacedLearningRate } from "../../optimizers/learning-rate.js";
import { LossScaleOptimizer } from "../../optimizers/loss-scale-optimizer.js";
import { type CheckedMeasure, checkedMeasure, type Measure } from "../../optimizers/measure.js";
import type { RMSpropOptions } from "../../optimizers/options.js";
import { OverrideIndex } from "../../optimizers/override-index.js";
import {
  assertOverridesMatch,
  assertRateFinite,
  checkedOverride,
  type Override,
  type ResolvedOverrides,
  type VariableOverrides,
} from "../../optimizers/overrides.js";
import { RMSprop } from "../../optimizers/rmsprop.js";
import { firstNumber, keptSlots } from "../../optimizers/slots.js";
import { checkedSelection, type Selection, selects } from "../../optimizers/variable-selection.js";
import { callsPerUpdate } from "../../rule/coefficients.js";
import { CheckpointError, iterationLimit, MAXIMUM_CALLS, StateError } from "../../support/errors.js";
import { STATE } from "../../support/internal.js";
import { message, NO_GRADIENTS, show } from "../../support/messages.js";
import type { ResidentAdditions, ResidentLastStep } from "../additions.js";
import { baseClass } from "../base.js";
import { configOf, type Residence, type RMSpropTfjsOptions, splitOptions } from "../config.js";
import {
  asList,
  checkedVariables,
  checkedVariablesOf,
  type GradientList,
  type Gradients,
  scaledGradients,
} from "../gradients.js";
import { checkedTensors, type Exclusion, NO_SELECTION, namedTensor, type TensorSelection } from "../selection.js";
import type {
  GradientsLike,
  NamedTensorLike,
  OptimizerLike,
  SerializableClass,
  TensorFlow,
  TensorLike,
  VariableLike,
} from "../tensorflow.js";
import { assertFit, COUNTER, checkedWeights, readWeights, type Saved, scalarsOf } from "../weights.js";
import { DynamicScale } from "./dynamic-scale.js";
import { kernelOf } from "./kernels.js";
import { KeptStep } from "./last-step.js";
import { Operations } from "./operations.js";
import { type Step, stepOf } from "./step.js";
import { type Entry, Variables } from "./variables.js";

type Options = RMSpropTfjsOptions & Residence;

const MUST_FIT_SCALE =
  "a number or a schedule under `lossScale`: the step is known to the device alone, so a function cannot be called with it (without `resident` it can)";

/** The class for one copy of tfjs. */
export function residentClass(tf: TensorFlow): SerializableClass & (new (options?: Options) => OptimizerLike) {
  return class RMSpropWasmResident extends baseClass(tf) implements OptimizerLike, ResidentAdditions {
    /** In model.json. */
    static readonly className = "RMSpropWasmResident";
    readonly #by: Hyperparameters;
    readonly #name: string;
    #rate: LearningRate;
    readonly #lossScale: Options["lossScale"];
    readonly #resident: true | "composed";
    readonly #operations: Operations = new Operations(tf);
    readonly #variables: Variables = new Variables(tf);
    readonly #dynamic: DynamicScale | undefined;
    /** Calls so far; under a dynamic scale with those that were skipped, of which only the device knows. */
    #calls = 0;
    #excluded: Selection<VariableLike> = NO_SELECTION;
    readonly #overrides: OverrideIndex<VariableLike> = new OverrideIndex<VariableLike>(namedTensor);
    /** What `getWeights` gave last. */
    #given: readonly TensorLike[] = [];
    #measure: CheckedMeasure;
    #lastStep: KeptStep | undefined;
    #isDisposed = false;

    constructor(options: Options = { resident: true }) {
      super();
      const { others, lossScale, resident } = splitOptions(options);
      const rmsprop = new RMSprop(others);
      const { hyperparameters, learningRate } = rmsprop[STATE];
      this.#by = hyperparameters;
      this.#name = rmsprop.name;
      this.#rate = learningRate;
      this.#lossScale = lossScale;
      this.#resident = resident || true;
      this.#measure = checkedMeasure(lossScale?.measure ?? rmsprop.measure);
      if (lossScale === undefined) return;
      this.#assertRateFits(this.#rate);
      const { initialScale, dynamicGrowthSteps } = new LossScaleOptimizer(rmsprop, lossScale);
      this.#dynamic = new DynamicScale(tf, this.#operations, {
        initialScale: Math.fround(initialScale),
        growthSteps: dynamicGrowthSteps,
        minimum: lossScale.minimumScale ?? Number.NEGATIVE_INFINITY,
        maximum: lossScale.maximumScale ?? Number.POSITIVE_INFINITY,
      });
    }

    override getConfig(): Record<string, unknown> {
      return { ...configOf(this.#rmsprop(), this.#lossScale), resident: this.#resident };
    }

    get iterations(): number {
      return Math.floor(this.#rawIterations / callsPerUpdate(this.#by));
    }

    get learningRate(): number {
      this.#assertAlive();
      return this.#rateAt(typeof this.#rate === "number" ? 0 : this.#rawIterations);
    }

    set learningRate(rate: LearningRate) {
      this.#assertAlive();
      const next = replacedLearningRate(this.#rate, rate);
      if (this.#dynamic) this.#assertRateFits(next);
      this.#rate = next;
    }

    get lossScale(): number {
      this.#assertAlive();
      return this.#dynamic
        ? (this.#dynamic.tensors.scale.dataSync()[0] as number)
        : Math.fround(this.#by.lossScaleFactor ?? 1);
    }

    get lossScaleTensor(): TensorLike {
      this.#assertAlive();
      return this.#dynamic?.tensors.scale ?? this.#operations.constant(this.lossScale);
    }

    get lastStep(): ResidentLastStep | null {
      this.#assertAlive();
      return this.#lastStep?.lastStep ?? null;
    }

    get measure(): Measure {
      return this.#measure;
    }

    set measure(measure: Measure) {
      this.#assertAlive();
      this.#measure = checkedMeasure(measure);
    }

    /** The loss as it is, and the gradients of the loss times `lossScaleTensor`. */
    override computeGradients(loss: () => TensorLike, variables?: VariableLike[]): GradientsLike {
      this.#assertAlive();
      const scale = this.#dynamic ? this.#dynamic.tensors.scale : this.lossScale;
      return scaledGradients(tf, scale, loss, (scaled) => super.computeGradients(scaled, variables));
    }

    /** One step with the gradients by the names of their variables; nothing is read from the device. */
    override applyGradients(gradients: Gradients): void {
      this.#assertAlive();
      const list = asList(gradients);
      this.#assertUnlocked("A step");
      const [raw, rate] = [this.#calls, this.#rate];
      // First, because a user's learning-rate function can throw, dispose of tensors and set options.
      const eta = this.#dynamic ? this.#dynamic.evaluate(rate, raw) : list.length === 0 ? 0 : this.#rateAt(raw);
      const variables = checkedVariablesOf(tf, list);
      assertDistinct(variables);
      if (list.length > 0 && list.every(({ tensor }) => tensor == null)) {
        throw new RangeError(NO_GRADIENTS);
      }
      if (list.length === 0 && !this.#dynamic) return;
      assertRenders32();
      if (this.#calls >= MAXIMUM_CALLS) throw iterationLimit();

      const { entries, keep, drop } = this.#meet(variables);
      let isDone = false;
      try {
        const pairs = entries.flatMap((entry, i) => {
          const { name, tensor } = list[i] as GradientList[number];
          if (tensor == null) return [];
          assertRateFinite(name, eta, entry.options);
          return entry.options.trainable ? [{ entry, gradient: tensor }] : [];
        });
        const all = [...new Set([...this.#variables.live, ...entries])];
        tf.tidy(() => {
          const kernel = this.#resident === "composed" ? undefined : kernelOf(tf);
          const call = { all, pairs, measure: this.#measure };
          const step: Step & { end?(): void } = this.#dynamic
            ? this.#dynamic.step(kernel, this.#by, rate, call)
            : stepOf(tf, this.#operations, kernel, this.#by, { ...call, raw, eta });
          const done = new KeptStep(step.record);
          keep();
          this.#variables.commit(step.writes);
          step.end?.();
          this.#calls = raw + 1;
          done.keep(tf);
          this.#lastStep?.dispose();
          this.#lastStep = done;
          isDone = true;
        });
      } finally {
        if (!isDone) drop();
      }
    }

    excludeFromWeightDecay(which: Exclusion): void {
      this.#assertAlive();
      const excluded = checkedSelection(which, [], checkedTensors);
      const set = this.#evaluated(this.#variables.all, excluded);
      this.#excluded = excluded;
      set();
    }

    override(which: TensorSelection, options: VariableOverrides): void {
      this.#assertAlive();
      const last = checkedOverride(which, options, checkedTensors);
      if (this.#variables.hasLive) assertOverridesMatch([last], () => this.#met(), namedTensor, this.#variables);
      const { variables, patterns } = last.selection;
      // Without patterns, the others need not be looked at.
      const entries =
        patterns.length > 0 ? this.#variables.all : [...variables].flatMap((each) => this.#variables.of(each) ?? []);
      const set = this.#evaluated(entries, this.#excluded, last);
      this.#overrides.add(last);
      set();
    }

    finalizeVariableValues(): void {
      this.#assertAlive();
      if (!this.#by.useEma) return;
      tf.tidy(() => {
        const { live } = this.#variables;
        const copies = live.map(({ slots }) => this.#operations.copy(slots.get("average") as TensorLike));
        live.forEach(({ variable }, i) => {
          variable?.assign(copies[i] as TensorLike);
        });
      });
    }

    override async getWeights(): Promise<NamedTensorLike[]> {
      this.#assertAlive();
      const scalars = this.#scalars();
      const entries = this.#variables.all;
      const weights: NamedTensorLike[] = [];
      tf.tidy(() => {
        for (const slot of keptSlots(this.#by)) {
          for (const { name, variable, slots } of entries) {
            const tensor = this.#operations.copy(slots.get(slot) as TensorLike);
            tf.keep(tensor);
            weights.push({ name: `${variable?.name ?? name}/${slot}`, tensor });
          }
        }
      });
      const values = await scalars;
      const template = this.#template([]);
      const first = [...scalarsOf(template)].map(([name, { dtype }]) => {
        const numbers = (dtype === "int32" ? Int32Array : Float32Array).of(values.get(name) as number);
        const tensor = tf.tensor(numbers, [], dtype);
        tf.keep(tensor);
        return { name, tensor };
      });
      template.free();
      this.#disposeGiven();
      const all = [...first, ...weights];
      this.#given = all.map(({ tensor }) => tensor);
      return all;
    }

    override async setWeights(weights: readonly NamedTensorLike[]): Promise<void> {
      this.#assertAlive();
      const saved = await readWeights(checkedWeights(weights), keptSlots(this.#by));
      this.#assertAlive();
      const met = this.#met();
      const template = this.#template([]);
      let partners: (Saved | undefined)[];
      try {
        partners = assertFit(saved, template, this.#by.momentumMode, met);
      } finally {
        template.free();
      }
      const { scalars, states } = saved;
      const variableOf = new Map(partners.map((state, i) => [state, met[i]]));
      this.#replace(states, (state) => variableOf.get(state));
      this.#setScalars(scalars);
    }

    /**
     * An optimizer of the package, built over variables with copies of the values and the state as they are now: for checkpoints
     * and files, and to go on elsewhere. Free it, and its `trainableVariables`, when it is not needed any more.
     */
    async toCore(variables: readonly VariableLike[] = []): Promise<RMSprop | LossScaleOptimizer> {
      this.#assertAlive();
      this.#meet(checkedVariables(tf, variables)).keep();
      const { live } = this.#variables;
      const kept = keptSlots(this.#by);
      // All of them asked for now, before the next step.
      const [scalars, values, slots] = await Promise.all([
        this.#scalars(),
        Promise.all(live.map(({ variable }) => (variable as VariableLike).data())),
        Promise.all(live.flatMap((entry) => kept.map((slot) => (entry.slots.get(slot) as TensorLike).data()))),
      ]);
      return freeOnError((made) => {
        const list = live.map(({ variable, shape }, i) => {
          const { name } = variable as VariableLike;
          return made(new Variable(values[i] as Float32Array, { name, path: name, shape }));
        });
        const core = this.#template(list);
        list.forEach((variable, i) => {
          kept.forEach((slot, k) => {
            core.slot(slot, variable)?.set(slots[i * kept.length + k] as Float32Array);
          });
        });
        for (const [name, scalar] of scalarsOf(core)) {
          const value = scalars.get(name);
          if (value !== undefined) scalar.assign([value]);
        }
        list.forEach((variable, i) => {
          core.override({ variables: [variable] }, (live[i] as Entry).options);
        });
        return core;
      });
    }

    /**
     * Puts back what `toCore` gave, or such an optimizer after steps of its own or after a checkpoint was loaded into it: values,
     * state and counters.
     *
     * @throws {TypeError} if it is another kind of optimizer.
     * @throws {CheckpointError} if it keeps other state, or its variables are not those of this optimizer; then nothing has changed.
     */
    fromCore(core: RMSprop | LossScaleOptimizer): void {
      this.#assertAlive();
      const Class = this.#dynamic ? LossScaleOptimizer : RMSprop;
      if (!(core instanceof Class))
        throw new TypeError(message("core", `a ${Class.name}, as \`toCore\` makes it`, core));
      const kept = keptSlots(this.#by);
      const states = core.trainableVariables.map((variable) => {
        const { name, shape } = variable;
        const slots = new Map(
          SLOTS.map((slot) => [slot, core.slot(slot, variable)] as const).filter(([, view]) => view),
        );
        const other = SLOTS.find((slot) => slots.has(slot) !== kept.includes(slot));
        if (other) {
          const which = slots.has(other) ? "keeps" : "does not keep";
          throw new CheckpointError(
            `The optimizer given ${which} ${other}, unlike this one: make both with the same options.`,
          );
        }
        return { name, shape, slots: slots as ReadonlyMap<Slot, Float32Array>, value: variable.value };
      });
      const { live } = this.#variables;
      const byName = new Map(states.map((state) => [state.name, state]));
      const partners = live.map(({ variable, shape }) => {
        const { name } = variable as VariableLike;
        const state = byName.get(name);
        if (!state || String(state.shape) !== String(shape)) {
          throw new CheckpointError(`The optimizer given has no variable ${show(name)} of shape [${shape}].`);
        }
        return state;
      });
      const numbers = new Map([...scalarsOf(core)].map(([name, { value }]) => [name, value[0] as number]));
      if (numbers.has("learning_rate") !== (typeof this.#rate === "number")) {
        throw new CheckpointError("One learning rate is a number, the other is not: make both with the same options.");
      }
      const variableOf = new Map(partners.map((state, i) => [state as Saved, live[i]?.variable]));
      tf.tidy(() => {
        const values = partners.map(({ value, shape }) => tf.tensor(value.slice(), [...shape], "float32"));
        this.#replace(states, (state) => variableOf.get(state));
        partners.forEach((state, i) => {
          variableOf.get(state)?.assign(values[i] as TensorLike);
        });
      });
      this.#setScalars(numbers);
    }

    override dispose(): void {
      if (this.#isDisposed) return;
      this.#assertUnlocked("Optimizer.free()");
      super.dispose();
      this.#disposeGiven();
      this.#variables.replace([]);
      this.#operations.dispose();
      this.#dynamic?.dispose();
      this.#lastStep?.dispose();
      this.#isDisposed = true;
    }

    /** An RMSprop with these options, which is not built. */
    #rmsprop(): RMSprop {
      return new RMSprop({ ...this.#by, name: this.#name, learningRate: this.#rate } as RMSpropOptions);
    }

    /** The optimizer of the package that does the same, built. */
    #template(variables: readonly Variable[]): RMSprop | LossScaleOptimizer {
      const rmsprop = this.#rmsprop();
      const core = this.#lossScale === undefined ? rmsprop : new LossScaleOptimizer(rmsprop, this.#lossScale);
      core.measure = this.#measure;
      core.build(variables);
      return core;
    }

    get #rawIterations(): number {
      this.#assertAlive();
      return this.#dynamic ? (this.#dynamic.tensors.raw.dataSync()[0] as number) : this.#calls;
    }

    /** Counters and rates by the names that they have among the weights. */
    async #scalars(): Promise<ReadonlyMap<string, number>> {
      const list: [string, number | Promise<ArrayLike<number>>][] = this.#dynamic
        ? [
            ["step_counter", this.#dynamic.tensors.counter.data()],
            ["dynamic_scale", this.#dynamic.tensors.scale.data()],
            [COUNTER, this.#dynamic.tensors.raw.data()],
          ]
        : [[COUNTER, this.#calls]];
      if (typeof this.#rate === "number") list.push(["learning_rate", this.#rate]);
      const values = await Promise.all(list.map(([, value]) => value));
      return new Map(
        list.map(([name], i) => {
          const value = values[i] as number | ArrayLike<number>;
          return [name, typeof value === "number" ? value : (value[0] as number)];
        }),
      );
    }

    #setScalars(numbers: ReadonlyMap<string, number>): void {
      const of = (name: string) => numbers.get(name);
      this.#calls = of(COUNTER) ?? 0;
      this.#dynamic?.set(this.#calls, of("dynamic_scale"), of("step_counter"));
      if (typeof this.#rate === "number") this.#rate = Math.fround(of("learning_rate") ?? this.#rate);
    }

    /** The variables that the optimizer has met, and tfjs still has. */
    #met(): VariableLike[] {
      return this.#variables.live.map(({ variable }) => variable as VariableLike);
    }

    /** State as `build` makes it, for a new variable; the average of one that comes late begins at its value. */
    #entry(variable: VariableLike, options: ResolvedOverrides): Entry {
      const { name, shape } = variable;
      const slots = new Map<Slot, TensorLike>();
      tf.tidy(() => {
        for (const slot of keptSlots(this.#by)) {
          const x = this.#operations;
          const tensor =
            slot === "average" && this.#calls > 0 ? x.copy(variable) : x.full(shape, firstNumber(this.#by, slot));
          tf.keep(tensor);
          slots.set(slot, tensor);
        }
      });
      return { name, shape, variable: undefined, slots, options };
    }

    /** The entries of these variables; the first that come must have all that overrides are about. */
    #meet(variables: readonly VariableLike[]): ReturnType<Variables["meet"]> {
      if (variables.length > 0 && !this.#variables.hasLive) {
        assertOverridesMatch(this.#overrides.all, () => variables, namedTensor);
      }
      return this.#variables.meet(
        variables,
        (variable) => this.#optionsOf(variable.name, variable),
        (variable, options) => this.#entry(variable, options),
      );
    }

    /** Replaces all state by copies of this. */
    #replace(states: readonly Saved[], variableOf: (state: Saved) => VariableLike | undefined): void {
      // First, because a user's regular expression can throw.
      const options = states.map((state) => this.#optionsOf(state.name, variableOf(state)));
      const entries = states.map((state, i): Entry => {
        const { name, shape } = state;
        const slots = new Map<Slot, TensorLike>();
        for (const [slot, values] of state.slots) {
          const tensor = tf.tensor(Float32Array.from(values), [...shape], "float32");
          tf.keep(tensor);
          slots.set(slot, tensor);
        }
        return { name, shape, variable: variableOf(state), slots, options: options[i] as ResolvedOverrides };
      });
      this.#variables.replace(entries);
    }

    /** The overrides of a variable, exclusion from weight decay included. */
    #optionsOf(
      name: string,
      variable: VariableLike | undefined,
      excluded: Selection<VariableLike> = this.#excluded,
      last?: Override<VariableLike>,
    ): ResolvedOverrides {
      // Loaded state that waits for its variable has a name alone.
      const known = variable ?? ({ name } as VariableLike);
      const own = this.#overrides.of(known, last);
      const isExcluded = own.weightDecay === null && selects(excluded, known, namedTensor(known));
      return isExcluded ? { ...own, weightDecay: false } : own;
    }

    /**
     * Evaluates the options of these entries, with another exclusion or one more override, before anything changes: a user's regular
     * expression can throw. Returns what sets them.
     */
    #evaluated(
      entries: readonly Entry[],
      excluded: Selection<VariableLike>,
      last?: Override<VariableLike>,
    ): () => void {
      const options = entries.map(({ name, variable }) => this.#optionsOf(name, variable, excluded, last));
      return () => {
        entries.forEach((entry, i) => {
          entry.options = options[i] as ResolvedOverrides;
        });
        this.#operations.forget();
        this.#dynamic?.forget();
      };
    }

    #rateAt(step: number): number {
      return typeof this.#rate === "number" ? this.#rate : lockedLearningRateAt(this.#rate, step, defaultRuntime());
    }

    /** A user's learning-rate function must not call this. */
    #assertUnlocked(what: string): void {
      if (typeof this.#rate !== "number") defaultRuntime().assertUnlocked(what);
    }

    #assertRateFits(rate: LearningRate): void {
      if (typeof rate === "function") throw new RangeError(message("learningRate", MUST_FIT_SCALE, rate));
    }

    #assertAlive(): void {
      if (this.#isDisposed) throw new StateError("The optimizer was disposed of.");
    }

    #disposeGiven(): void {
      for (const tensor of this.#given) tensor.dispose();
      this.#given = [];
    }
  };

  /** Half floats lose velocities and ε: not one number would be right. */
  function assertRenders32(): void {
    if (tf.getBackend() !== "webgl" || tf.env().getBool("WEBGL_RENDER_FLOAT32_ENABLED")) return;
    throw new RangeError(
      "With `resident` the backend must compute in 32-bit floats, and webgl on this device has 16 bits: leave `resident` out.",
    );
  }
}

/** Each variable once. */
function assertDistinct(variables: readonly VariableLike[]): void {
  const met = new Set<VariableLike>();
  const twice = variables.find((variable) => met.size === met.add(variable).size);
  if (twice) throw new RangeError(`Argument \`gradients\` lists variable "${twice.name}" twice.`);
}
