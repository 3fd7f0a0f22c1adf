// What the adapter needs of TensorFlow.js, as structure. So the declarations need no package installed, and any copy of
// any version with these members fits: `instanceof` and nominal types fail between two copies of tfjs-core.

export interface TensorLike {
  /** The storage. Its values never change, so the same identity means the same values. */
  readonly dataId: object;
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly isDisposed: boolean;
  dataSync(): ArrayLike<number>;
  data(): Promise<ArrayLike<number>>;
  clone(): TensorLike;
  dispose(): void;
}

export interface VariableLike extends TensorLike {
  readonly name: string;
  assign(value: TensorLike): void;
}

/** What kernels are given and give: a tensor without its methods. */
export interface TensorInfo {
  readonly dataId: object;
  readonly dtype: string;
  readonly shape: readonly number[];
}

/** A tensor by its name. tfjs has `null` and `undefined` where there is no gradient. */
export interface NamedTensorLike<T = TensorLike> {
  readonly name: string;
  readonly tensor: T;
}

export interface GradientsLike {
  readonly value: TensorLike;
  readonly grads: Readonly<Record<string, TensorLike | null | undefined>>;
}

/** The abstract class that `tf.train.…` extend. */
export interface OptimizerLike {
  minimize(loss: () => TensorLike, returnCost?: boolean, variables?: VariableLike[]): TensorLike | null;
  computeGradients(loss: () => TensorLike, variables?: VariableLike[]): GradientsLike;
  applyGradients(gradients: GradientsLike["grads"] | readonly NamedTensorLike<TensorLike | null | undefined>[]): void;
  getWeights(): Promise<readonly NamedTensorLike[]>;
  setWeights(weights: readonly NamedTensorLike[]): Promise<void>;
  getConfig(): object;
  dispose(): void;
}

/** The namespace that `import * as tf from "@tensorflow/tfjs"`, or from `tfjs-core`, gives. */
export interface TensorFlow {
  readonly Optimizer: abstract new () => OptimizerLike;
  readonly Variable: abstract new (...args: never[]) => VariableLike;
  readonly serialization: { registerClass(optimizer: SerializableClass): unknown };
  engine(): {
    readonly registeredVariables: Readonly<Record<string, VariableLike>>;
    runKernel(name: string, inputs: object, attrs?: object): unknown;
  };
  env(): { getBool(flag: string): boolean };
  getKernel(name: string, backend: string): unknown;
  // biome-ignore lint/suspicious/noExplicitAny: tfjs' types of kernels fit only themselves.
  registerKernel(kernel: any): void;
  backend(): object;
  getBackend(): string;
  tensor(values: Float32Array | Int32Array, shape: number[], dtype: "float32" | "int32"): TensorLike;
  // tfjs takes arrays and strings too; what is wider than that fits.
  mul(a: unknown, b: unknown): TensorLike;
  keep(tensor: TensorLike): unknown;
  tidy(scope: () => void): unknown;
}

/** A class that tfjs can make again from what `getConfig` gave. */
export interface SerializableClass {
  readonly className: string;
  // biome-ignore lint/suspicious/noExplicitAny: tfjs calls it with a class and a configuration of its own making.
  fromConfig(optimizer: any, config: any): any;
}
