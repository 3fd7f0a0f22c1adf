// The class itself: a `tf.Optimizer` whose state is an RMSprop's, in linear memory.
import { freeOnError } from "../memory/free-on-error.js";
import { Variable } from "../memory/variable.js";
import type { LearningRate } from "../optimizers/learning-rate.js";
import { LossScaleOptimizer } from "../optimizers/loss-scale-optimizer.js";
import { OverrideIndex } from "../optimizers/override-index.js";
import { assertOverridesMatch, checkedOverride, type VariableOverrides } from "../optimizers/overrides.js";
import { RMSprop } from "../optimizers/rmsprop.js";
import { keptSlots } from "../optimizers/slots.js";
import { checkedSelection, type Selection } from "../optimizers/variable-selection.js";
import { LOSS_SCALE, STATE } from "../support/internal.js";
import { message } from "../support/messages.js";
import { sizeOf } from "../support/size-of.js";
import type { RMSpropAdditions } from "./additions.js";
import { baseClass } from "./base.js";
import { configOf, type RMSpropTfjsOptions, splitOptions } from "./config.js";
import {
  asList,
  checkedVariables,
  checkedVariablesOf,
  type GradientList,
  type Gradients,
  scaledGradients,
} from "./gradients.js";
import {
  bound,
  boundOverride,
  checkedTensors,
  type Exclusion,
  NO_SELECTION,
  namedTensor,
  type TensorSelection,
} from "./selection.js";
import type {
  GradientsLike,
  NamedTensorLike,
  OptimizerLike,
  SerializableClass,
  TensorFlow,
  TensorLike,
  VariableLike,
} from "./tensorflow.js";
import { type Binding, copyIn, copyOut, readAll } from "./transfer.js";
import { assertFit, checkedWeights, pair, readWeights, scalarsOf, weightName } from "./weights.js";

/** The class for one copy of tfjs. */
export function optimizerClass(
  tf: TensorFlow,
): SerializableClass & (new (options?: RMSpropTfjsOptions) => OptimizerLike) {
  return class RMSpropWasm extends baseClass(tf) implements OptimizerLike, RMSpropAdditions {
    /** In model.json. Not tfjs' own "RMSProp", which it could not load as this one. */
    static readonly className = "RMSpropWasm";
    readonly core: RMSprop | LossScaleOptimizer;
    readonly #rmsprop: RMSprop;
    readonly #lossScale: RMSpropTfjsOptions["lossScale"];
    /** In the order in which the core trains them. */
    #bindings: readonly Binding[] = [];
    #bindingOf = new Map<VariableLike, Binding>();
    #excluded: Selection<VariableLike> = NO_SELECTION;
    readonly #overrides: OverrideIndex<VariableLike> = new OverrideIndex<VariableLike>(namedTensor);
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
      // First, because a user's learning-rate function can throw, dispose of tensors, and move tfjs' memory.
      if (list.length > 0) this.#rmsprop[STATE].withLearningRate(() => this.#step(list));
      else this.#step(list);
    }

    #step(list: GradientList): void {
      const tensors = checkedVariablesOf(tf, list);
      const end = this.#meet(tensors);
      const bindings = tensors.map((tensor) => this.#bindingOf.get(tensor) as Binding);
      // A step moves the averages of all variables, and where they overwrite, all variables.
      const { useEma, emaOverwriteFrequency } = this.#rmsprop;
      const touched = useEma ? this.#bindings.filter(({ tensor }) => !tensor?.isDisposed) : bindings;
      const given = bindings.filter((_, i) => list[i]?.tensor != null);
      // Averages overwrite also in a call that only accumulates.
      const written = useEma && emaOverwriteFrequency ? touched : this.#updates ? given : [];
      let fill = () => {};
      try {
        copyIn(tf, touched);
        const numbers = readAll(
          tf,
          list.flatMap(({ tensor }) => tensor ?? []),
        ).values();
        const gradients = list.map(({ tensor }) => (tensor == null ? null : (numbers.next().value ?? null)));
        fill = copyOut(tf, written);
        this.core.apply(
          gradients,
          bindings.map(({ variable }) => variable),
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
      this.#rmsprop[STATE].assertNotFreed();
      this.#exclude(checkedSelection(which, [], checkedTensors));
    }

    override(which: TensorSelection, options: VariableOverrides): void {
      this.#rmsprop[STATE].assertNotFreed();
      const last = checkedOverride(which, options, checkedTensors);
      if (this.#bindingOf.size > 0)
        assertOverridesMatch([last], () => [...this.#bindingOf.keys()], namedTensor, this.#bindingOf);
      const own = boundOverride(last, this.#variableOf);
      const { variables, patterns } = own.selection;
      // What is about none that are bound need not pile up in the core.
      if (variables.size + patterns.length > 0) this.#rmsprop[STATE].override(own);
      this.#overrides.add(last);
    }

    finalizeVariableValues(): void {
      if (!this.#rmsprop.useEma) return;
      const fill = copyOut(tf, this.#bindings);
      this.core.finalizeVariableValues();
      fill();
    }

    /**
     * Copies of the optimizer's state as tensors, named as tfjs does: `iter`, rates, `<variable>/velocity` and so on. They
     * belong to the optimizer, which disposes of them in the next `getWeights` and in `dispose`.
     */
    override async getWeights(): Promise<NamedTensorLike[]> {
      const bindingOf = new Map<unknown, Binding>(this.#bindings.map((binding) => [binding.variable, binding]));
      const weights = this.core.variables
        .filter(({ ignored }) => !ignored)
        .map(({ name, slot, shape, dtype, variable, value }) => {
          const binding = bindingOf.get(variable);
          const tensor = tf.tensor(value.slice(), [...shape], dtype);
          tf.keep(tensor);
          return { name: binding ? `${binding.tensor?.name ?? binding.name}/${slot}` : weightName({ name }), tensor };
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
      const met = [...this.#bindingOf.keys()].filter(({ isDisposed }) => !isDisposed);
      const partners = assertFit(saved, this.core, this.#rmsprop.momentumMode, met);
      const { scalars, states } = saved;
      const tensorOf = new Map(partners.map((state, i) => [state, met[i]]));
      const before = this.#bindings;
      this.#bindings = freeOnError((made) => {
        const bindings = states.map((state): Binding => {
          const { name, shape } = state;
          const size = sizeOf(shape);
          const variable = made(new Variable(new Float32Array(size), { name, path: name, shape }));
          return { name, shape, variable, tensor: tensorOf.get(state), dataId: undefined };
        });
        this.#rmsprop[STATE].rebuild(bindings.map(({ variable }) => variable))(true);
        return bindings;
      });
      this.#index();
      for (const { variable } of before) variable.free();
      this.#bindings.forEach(({ variable }, i) => {
        for (const [slot, values] of states[i]?.slots ?? []) this.core.slot(slot, variable)?.set(values);
        // Until its variable comes, steps on others pull the average to this value.
        variable.value.set(this.core.slot("average", variable) ?? []);
      });
      for (const [name, value] of scalars) scalarsOf(this.core).get(name)?.assign([value]);
    }

    /** `core`, with these variables taken up and the values of all as they are now. */
    async toCore(variables: readonly VariableLike[] = []): Promise<RMSprop | LossScaleOptimizer> {
      this.#meet(checkedVariables(tf, variables))(true);
      copyIn(
        tf,
        this.#bindings.filter(({ tensor }) => !tensor?.isDisposed),
      );
      return this.core;
    }

    /** Copies the values of `core` into the variables. */
    fromCore(core: RMSprop | LossScaleOptimizer): void {
      if (core !== this.core) throw new TypeError(message("core", "the `core` of this optimizer", core));
      copyOut(tf, this.#bindings)();
    }

    override dispose(): void {
      // First, because a user's learning-rate function must not call this.
      this.core.free();
      super.dispose();
      this.#dispose();
      for (const { variable } of this.#bindings) variable.free();
      this.#bindings = [];
      this.#bindingOf.clear();
    }

    /**
     * Binds each of these variables: to state that waits for it, or to new state.
     *
     * @returns a function that frees what is not needed any more, or with `false` undoes everything.
     */
    #meet(tensors: readonly VariableLike[]): (keep: boolean) => void {
      const unbound = [...new Set(tensors)].filter((tensor) => !this.#bindingOf.has(tensor));
      if (unbound.length === 0) return () => {};
      if (this.#bindingOf.size === 0) assertOverridesMatch(this.#overrides.all, () => unbound, namedTensor);
      const before = this.#bindings;
      const partners = pair(
        before.filter(({ tensor }) => tensor === undefined),
        unbound,
        this.#bindingOf.size === 0,
      );
      const values = partners.map((binding) => binding?.variable.value.slice());
      const bind = (list: readonly (VariableLike | undefined)[]) => {
        partners.forEach((binding, i) => {
          if (binding) binding.tensor = list[i];
        });
        this.#index();
      };
      return freeOnError((made) => {
        const unpaired = unbound.filter((_, i) => !partners[i]);
        const initial = readAll(tf, unpaired);
        const fresh = unpaired.map((tensor, i): Binding => {
          const { name, shape, dataId } = tensor;
          const variable = made(new Variable(initial[i] ?? [], { name, path: name, shape }));
          return { name, shape, variable, tensor, dataId };
        });
        const live = before.filter(({ tensor }) => fresh.length === 0 || !tensor?.isDisposed);
        const bindings = [...live, ...fresh];
        const endRebuild =
          fresh.length > 0 ? this.#rmsprop[STATE].rebuild(bindings.map(({ variable }) => variable)) : () => {};
        const end = (keep: boolean) => {
          endRebuild(keep);
          if (!keep) {
            this.#bindings = before;
            partners.forEach((binding, i) => {
              binding?.variable.value.set(values[i] ?? []);
              if (binding) binding.dataId = undefined;
            });
            bind([]);
          }
          const kept = new Set(keep ? bindings : before);
          for (const binding of [...before, ...fresh]) if (!kept.has(binding)) binding.variable.free();
        };
        // At the first step Keras' average takes the value whatever it held; later it would begin with a pull to zero.
        if (this.core.rawIterations > 0) {
          for (const { variable } of fresh) this.core.slot("average", variable)?.set(variable.value);
        }
        this.#bindings = bindings;
        try {
          bind(unbound);
        } catch (error) {
          // Evaluates a user's regular expressions, which can throw.
          end(false);
          throw error;
        }
        return end;
      });
    }

    /** To be called when a binding got its tensor. */
    #index(): void {
      this.#bindingOf = new Map(
        this.#bindings.flatMap((binding) => (binding.tensor ? [[binding.tensor, binding] as const] : [])),
      );
      this.#exclude(this.#excluded);
      this.#rmsprop[STATE].replaceOverrides(
        this.#overrides.all.map((override) => boundOverride(override, this.#variableOf)),
      );
    }

    /** What is said of tensors, said of the variables that they are bound to. */
    #exclude(excluded: Selection<VariableLike>): void {
      this.#rmsprop[STATE].exclude(bound(excluded, this.#variableOf));
      this.#excluded = excluded;
    }

    readonly #variableOf = (tensor: VariableLike): Variable | undefined => this.#bindingOf.get(tensor)?.variable;

    #dispose(): void {
      for (const tensor of this.#given) tensor.dispose();
      this.#given = [];
    }
  };
}
