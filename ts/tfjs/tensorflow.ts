// What the adapter needs of TensorFlow.js, as structure. So the declarations need no package installed, and any copy of
// any version with these members fits: `instanceof` and nominal types fail between two copies of tfjs-core.

/** What is used of a `tf.Tensor`. */
export interface TensorLike {
  /** The storage. Its values never change, so the same identity means the same values. */
  readonly dataId: object;
  /** `float32`, `int32`, … */
  readonly dtype: string;
  /** Lengths of the dimensions. */
  readonly shape: readonly number[];
  /** Whether it was disposed of. */
  readonly isDisposed: boolean;
  /** The values, read at once. */
  dataSync(): ArrayLike<number>;
  /** The values. */
  data(): Promise<ArrayLike<number>>;
  /** Another tensor of the same storage. */
  clone(): TensorLike;
  /** Gives the storage back. */
  dispose(): void;
}

/** What is used of a `tf.Variable`. */
export interface VariableLike extends TensorLike {
  /** Its name. */
  readonly name: string;
  /** Replaces its value. */
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
  /** The variable's name. */
  readonly name: string;
  /** The tensor. */
  readonly tensor: T;
}

/** What `computeGradients` gives. */
export interface GradientsLike {
  /** The loss. */
  readonly value: TensorLike;
  /** The gradients by their variables' names. */
  readonly grads: Readonly<Record<string, TensorLike | null | undefined>>;
}

/** The abstract class that `tf.train.…` extend. */
export interface OptimizerLike {
  /** One step on the loss over these variables. */
  minimize(loss: () => TensorLike, returnCost?: boolean, variables?: VariableLike[]): TensorLike | null;
  /** The loss and its gradients. */
  computeGradients(loss: () => TensorLike, variables?: VariableLike[]): GradientsLike;
  /** One step with these gradients. */
  applyGradients(gradients: GradientsLike["grads"] | readonly NamedTensorLike<TensorLike | null | undefined>[]): void;
  /** The optimizer's state. */
  getWeights(): Promise<readonly NamedTensorLike[]>;
  /** Puts it back. */
  setWeights(weights: readonly NamedTensorLike[]): Promise<void>;
  /** The options, for `fromConfig`. */
  getConfig(): object;
  /** Gives its state's memory back. */
  dispose(): void;
}

/** The namespace that `import * as tf from "@tensorflow/tfjs"`, or from `tfjs-core`, gives. */
export interface TensorFlow {
  /** The class that is extended. */
  readonly Optimizer: abstract new () => OptimizerLike;
  /** The class of variables. */
  readonly Variable: abstract new (
    ...args: never[]
  ) => VariableLike;
  /** The registry of classes. */
  readonly serialization: { registerClass(optimizer: SerializableClass): unknown };
  /** Variables by their names, and kernels. */
  engine(): {
    readonly registeredVariables: Readonly<Record<string, VariableLike>>;
    runKernel(name: string, inputs: object, attrs?: object): unknown;
  };
  /** The flags. */
  env(): { getBool(flag: string): boolean };
  /** A kernel of a backend, if it has it. */
  getKernel(name: string, backend: string): unknown;
  /** Adds a kernel. */
  // biome-ignore lint/suspicious/noExplicitAny: tfjs' types of kernels fit only themselves.
  registerKernel(kernel: any): void;
  /** The backend in use. */
  backend(): object;
  /** Its name. */
  getBackend(): string;
  /** A tensor with these values. */
  tensor(values: Float32Array | Int32Array, shape: number[], dtype: "float32" | "int32"): TensorLike;
  // tfjs takes arrays and strings too; what is wider than that fits.
  /** The product, by elements. */
  mul(a: unknown, b: unknown): TensorLike;
  /** Keeps a tensor beyond the end of `tidy`. */
  keep(tensor: TensorLike): unknown;
  /** Runs a function, and disposes of the tensors that it made. */
  tidy(scope: () => void): unknown;
}

/** A class that tfjs can make again from what `getConfig` gave. */
export interface SerializableClass {
  /** The name in model.json. */
  readonly className: string;
  /** The object with this configuration. */
  // biome-ignore lint/suspicious/noExplicitAny: tfjs calls it with a class and a configuration of its own making.
  fromConfig(optimizer: any, config: any): any;
}
