// The class itself: a `tf.Optimizer` whose state is an RMSprop's, in linear memory.
import { freeOnError } from "../memory/free-on-error.js";
import { Variable } from "../memory/variable.js";
import type { LearningRate } from "../optimizers/learning-rate.js";
import { LossScaleOptimizer } from "../optimizers/loss-scale-optimizer.js";
import { RMSprop } from "../optimizers/rmsprop.js";
import { keptSlots } from "../optimizers/slots.js";
import { LOSS_SCALE, STATE } from "../support/internal.js";
import { message } from "../support/messages.js";
import { sizeOf } from "../support/size-of.js";
import type { RMSpropAdditions } from "./additions.js";
import { configOf, optionsOf, type RMSpropTfjsOptions, splitOptions } from "./config.js";
import { checkedExclusion, type Exclusion } from "./exclusion.js";
import {
  asList,
  checkedVariablesOf,
  type GradientList,
  type Gradients,
  minimized,
  scaledGradients,
} from "./gradients.js";
import type {
  GradientsLike,
  NamedTensorLike,
  OptimizerLike,
  SerializableClass,
  TensorFlow,
  TensorLike,
  VariableLike,
} from "./tensorflow.js";
import { give, readAll, type Twin, take } from "./transfer.js";
import { assertFit, checkedWeights, pair, readWeights, scalarsOf, weightName } from "./weights.js";

/** The class for one copy of tfjs. */
export function optimizerClass(
  tf: TensorFlow,
): SerializableClass & (new (options?: RMSpropTfjsOptions) => OptimizerLike) {
  return class RMSpropWasm extends tf.Optimizer implements OptimizerLike, RMSpropAdditions {
    /** In model.json. Not tfjs' own "RMSProp", which it could not load as this one. */
    static readonly className = "RMSpropWasm";
    readonly core: RMSprop | LossScaleOptimizer;
    readonly #rmsprop: RMSprop;
    readonly #lossScale: RMSpropTfjsOptions["lossScale"];
    /** In the order in which the core trains them. */
    #twins: readonly Twin[] = [];
    #twinOf = new Map<VariableLike, Twin>();
    #excluded: Exclusion = {};
    /** What `getWeights` gave last. */
    #given: readonly TensorLike[] = [];

    constructor(options: RMSpropTfjsOptions = {}) {
      super();
      const { others, lossScale } = splitOptions(options);
      this.#lossScale = lossScale;
      this.#rmsprop = new RMSprop(others);
      this.core = lossScale === undefined ? this.#rmsprop : new LossScaleOptimizer(this.#rmsprop, this.#lossScale);
      this.core.build([]);
    }

    static fromConfig(optimizer: new (options: RMSpropTfjsOptions) => OptimizerLike, config: object): OptimizerLike {
      return new optimizer(optionsOf(config));
    }

    override getConfig(): Record<string, unknown> {
      return configOf(this.#rmsprop, this.#lossScale);
    }

    get iterations(): number {
      return this.core.iterations;
    }

    get learningRate(): number {
      return this.core.learningRate;
    }

    set learningRate(rate: LearningRate) {
      this.core.learningRate = rate;
    }

    get lossScale(): number {
      return this.core[LOSS_SCALE] ?? 1;
    }

    override minimize(loss: () => TensorLike, variables: readonly VariableLike[]): null;
    override minimize(loss: () => TensorLike, returnCost?: boolean, variables?: VariableLike[]): TensorLike | null;
    override minimize(
      loss: () => TensorLike,
      second?: boolean | readonly VariableLike[],
      third?: VariableLike[],
    ): TensorLike | null {
      return minimized(this, loss, second, third);
    }

    /** The loss as it is, and the gradients of the loss times `lossScale`. */
    override computeGradients(loss: () => TensorLike, variables?: VariableLike[]): GradientsLike {
      return scaledGradients(tf, this.lossScale, loss, (scaled) => super.computeGradients(scaled, variables));
    }

    /**
     * One step with the gradients by the names of their variables. A variable whose gradient is missing is left alone,
     * unless averages overwrite it. A variable that is new to the optimizer begins with state at zero (the moving average:
     * at the variable's value).
     */
    override applyGradients(gradients: Gradients): void {
      const list = asList(gradients);
      // A learning rate of the user's can throw, dispose of tensors, and have tfjs' memory move: before anything is read.
      if (list.length > 0) this.#rmsprop[STATE].withLearningRate(() => this.#step(list));
      else this.#step(list);
    }

    #step(list: GradientList): void {
      const tensors = checkedVariablesOf(tf, list);
      const end = this.#meet(tensors);
      const twins = tensors.map((tensor) => this.#twinOf.get(tensor) as Twin);
      // A step moves the averages of all variables, and where they overwrite, all variables.
      const { useEma, emaOverwriteFrequency } = this.#rmsprop;
      const touched = useEma ? this.#twins.filter(({ tensor }) => !tensor?.isDisposed) : twins;
      const given = twins.filter((_, i) => list[i]?.tensor != null);
      // Averages overwrite also in a call that only accumulates.
      const written = useEma && emaOverwriteFrequency ? touched : this.#updates ? given : [];
      let fill = () => {};
      try {
        take(tf, touched);
        const numbers = readAll(
          tf,
          list.flatMap(({ tensor }) => tensor ?? []),
        ).values();
        const gradients = list.map(({ tensor }) => (tensor == null ? null : (numbers.next().value ?? null)));
        fill = give(tf, written);
        this.core.apply(
          gradients,
          twins.map(({ variable }) => variable),
        );
      } catch (error) {
        end(false);
        throw error;
      }
      end(true);
      fill();
    }

    /** Whether the next call updates the variables, if it is not skipped. */
    get #updates(): boolean {
      return (this.core.rawIterations + 1) % (this.#rmsprop.gradientAccumulationSteps || 1) === 0;
    }

    excludeFromWeightDecay(which: Exclusion): void {
      this.#exclude(checkedExclusion(which));
    }

    finalizeVariableValues(): void {
      if (!this.#rmsprop.useEma) return;
      const fill = give(tf, this.#twins);
      this.core.finalizeVariableValues();
      fill();
    }

    /**
     * Copies of the optimizer's state as tensors, named as tfjs does: `iter`, rates, `<variable>/velocity` and so on. They
     * belong to the optimizer, which disposes of them in the next `getWeights` and in `dispose`.
     */
    override async getWeights(): Promise<NamedTensorLike[]> {
      const weights = this.core.variables
        .filter(({ ignored }) => !ignored)
        .map(({ name, slot, shape, dtype, variable, value }) => {
          const twin = this.#twins.find((twin) => twin.variable === variable);
          const tensor = tf.tensor(value.slice(), [...shape], dtype);
          tf.keep(tensor);
          return { name: twin ? `${twin.tensor?.name ?? twin.name}/${slot}` : weightName({ name }), tensor };
        });
      this.#dispose();
      this.#given = weights.map(({ tensor }) => tensor);
      return weights;
    }

    /**
     * Puts back what `getWeights` gave, here or in an optimizer of the same options; also what tfjs' own RMSProp gave.
     * Variables that the optimizer has not met yet find their state by name, see `pair`. Weights do not tell options: that
     * ours are of the same `momentumMode` is not checked; a saved model has it in its configuration.
     *
     * @throws {CheckpointError} if the weights do not fit; then nothing has changed.
     */
    override async setWeights(weights: readonly NamedTensorLike[]): Promise<void> {
      const saved = await readWeights(checkedWeights(weights), keptSlots(this.#rmsprop));
      const met = [...this.#twinOf.keys()].filter(({ isDisposed }) => !isDisposed);
      const partners = assertFit(saved, this.core, this.#rmsprop.momentumMode, met);
      const { scalars, states } = saved;
      const tensorOf = new Map(partners.map((state, i) => [state, met[i]]));
      const before = this.#twins;
      this.#twins = freeOnError((made) => {
        const twins = states.map((state): Twin => {
          const { name, shape } = state;
          const size = sizeOf(shape);
          const variable = made(new Variable(new Float32Array(size), { name, path: name, shape }));
          return { name, shape, variable, tensor: tensorOf.get(state), dataId: undefined };
        });
        this.#rmsprop[STATE].rebuild(twins.map(({ variable }) => variable))(true);
        return twins;
      });
      this.#index();
      for (const { variable } of before) variable.free();
      this.#twins.forEach(({ variable }, i) => {
        for (const [slot, values] of states[i]?.slots ?? []) this.core.slot(slot, variable)?.set(values);
        // Until its variable comes, steps on others pull the average to this value.
        variable.value.set(this.core.slot("average", variable) ?? []);
      });
      for (const [name, value] of scalars) scalarsOf(this.core).get(name)?.assign([value]);
    }

    /** `core`, with these variables taken up and the values of all as they are now. */
    async toCore(variables: readonly VariableLike[] = []): Promise<RMSprop | LossScaleOptimizer> {
      this.#meet(variables)(true);
      take(
        tf,
        this.#twins.filter(({ tensor }) => !tensor?.isDisposed),
      );
      return this.core;
    }

    /** Copies the values of `core` into the variables. */
    fromCore(core: RMSprop | LossScaleOptimizer): void {
      if (core !== this.core) throw new TypeError(message("core", "the `core` of this optimizer", core));
      give(tf, this.#twins)();
    }

    override dispose(): void {
      // First, because a learning rate of the user's must not do this.
      this.core.free();
      super.dispose();
      this.#dispose();
      for (const { variable } of this.#twins) variable.free();
      this.#twins = [];
      this.#twinOf.clear();
    }

    /**
     * Gives every one of these a twin: one that waits for it, or a new one.
     *
     * @returns what ends it: it gives back what is not needed any more, or with `false` takes everything back.
     */
    #meet(tensors: readonly VariableLike[]): (keep: boolean) => void {
      const strangers = [...new Set(tensors)].filter((tensor) => !this.#twinOf.has(tensor));
      if (strangers.length === 0) return () => {};
      const before = this.#twins;
      const partners = pair(
        before.filter(({ tensor }) => tensor === undefined),
        strangers,
        this.#twinOf.size === 0,
      );
      const values = partners.map((twin) => twin?.variable.value.slice());
      const seat = (list: readonly (VariableLike | undefined)[]) => {
        partners.forEach((twin, i) => {
          if (twin) twin.tensor = list[i];
        });
        this.#index();
      };
      return freeOnError((made) => {
        const unpaired = strangers.filter((_, i) => !partners[i]);
        const initial = readAll(tf, unpaired);
        const fresh = unpaired.map((tensor, i): Twin => {
          const { name, shape, dataId } = tensor;
          const variable = made(new Variable(initial[i] ?? [], { name, path: name, shape }));
          return { name, shape, variable, tensor, dataId };
        });
        const live = before.filter(({ tensor }) => fresh.length === 0 || !tensor?.isDisposed);
        const twins = [...live, ...fresh];
        const settle =
          fresh.length > 0 ? this.#rmsprop[STATE].rebuild(twins.map(({ variable }) => variable)) : () => {};
        const end = (keep: boolean) => {
          settle(keep);
          if (!keep) {
            this.#twins = before;
            partners.forEach((twin, i) => {
              twin?.variable.value.set(values[i] ?? []);
              if (twin) twin.dataId = undefined;
            });
            seat([]);
          }
          const kept = new Set(keep ? twins : before);
          for (const twin of [...before, ...fresh]) if (!kept.has(twin)) twin.variable.free();
        };
        // At the first step Keras' average takes the value whatever it held; later it would begin with a pull to zero.
        if (this.core.rawIterations > 0) {
          for (const { variable } of fresh) this.core.slot("average", variable)?.set(variable.value);
        }
        this.#twins = twins;
        try {
          seat(strangers);
        } catch (error) {
          // A regular expression of the user's, which says what is kept from weight decay.
          end(false);
          throw error;
        }
        return end;
      });
    }

    /** After a twin has got its tensor. */
    #index(): void {
      this.#twinOf = new Map(this.#twins.flatMap((twin) => (twin.tensor ? [[twin.tensor, twin] as const] : [])));
      this.#exclude(this.#excluded);
    }

    #exclude(excluded: Exclusion): void {
      const { variables = [], names } = excluded;
      const twins = this.#twins.filter(({ tensor }) => tensor && variables.includes(tensor));
      this.core.excludeFromWeightDecay({ variables: twins.map(({ variable }) => variable), names });
      this.#excluded = excluded;
    }

    #dispose(): void {
      for (const tensor of this.#given) tensor.dispose();
      this.#given = [];
    }
  };
}
