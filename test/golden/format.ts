/** The format of the vectors (format.txt) as types. Fields marked "live" are those that test/keras adds. */

export interface Generator {
  readonly gen: "uniform" | "const" | "sparse" | "wide" | "special" | "self";
  readonly seed: number;
  readonly scale?: number;
  readonly bias?: number;
  readonly emin?: number;
  readonly emax?: number;
  readonly table?: readonly number[];
  readonly rate?: number;
}

export type Config = Readonly<Record<string, unknown>>;

export interface Serialized {
  readonly module: string;
  readonly class_name: string;
  readonly config: Config;
  readonly registered_name: string | null;
}

interface VariableSpec {
  readonly name: string;
  readonly path: string;
  readonly shape: readonly number[];
  readonly overwrite_with_gradient?: boolean;
  readonly constraint?: "NonNeg";
  readonly init_b64?: string;
}

export const SLOTS = ["average", "average_gradient", "gradient_accumulator", "momentum", "velocity"] as const;
export type Slot = (typeof SLOTS)[number];

/** One entry per variable; null where Keras keeps no slot for it. A slot Keras does not have at all is absent. */
export type EncodedSlots = Readonly<Partial<Record<Slot | "variable", readonly (string | null)[]>>>;

export interface Checkpoint {
  readonly after_applies: number;
  readonly raw_iterations: number;
  readonly iterations: number;
  readonly encoding: "b64f32" | "crc32";
  readonly slots: EncodedSlots;
}

interface StoredArray {
  readonly path: string;
  readonly dtype: "int32" | "float32";
  readonly shape: readonly number[];
  readonly b64: string;
}
export type Store = Readonly<Record<string, StoredArray>>;

/** [dynamic scale, step counter, raw iterations, trace CRC, state CRC] after one apply under loss scaling. */
type ScaledTrace = readonly [string, number, number, string, string];

interface SpecDifference {
  readonly index: number;
  readonly spec_bits: string;
  readonly ulp: number;
}

export interface TrainingCase {
  readonly id: string;
  readonly config: Config;
  readonly get_config: Config;
  readonly variables: readonly VariableSpec[];
  readonly init: Generator;
  readonly grad: Generator;
  readonly grad_none?: readonly (readonly [step: number, variable: number])[];
  readonly exclude_from_weight_decay?: readonly string[];
  readonly steps: number;
  readonly optimizer_variable_paths: readonly string[];
  readonly trace_crc32?: readonly string[];
  readonly state_crc32?: readonly string[];
  readonly checkpoints?: readonly Checkpoint[];
  readonly lr_bits?: readonly string[];
  readonly lr_inexact?: boolean;
  readonly save_at?: number;
  readonly store?: Store;
  readonly finalized_crc32?: string;

  readonly loss_scale?: Config;
  readonly times_scale?: boolean;
  readonly inject?: readonly (readonly [step: number, variable: number, index: number, bits: number])[];
  readonly trace?: readonly ScaledTrace[];
  readonly final?: EncodedSlots;
  readonly own_iteration_after?: number;
  readonly scale_loss_unbuilt_of_3?: string;
  readonly scale_loss_of_3_after?: string;

  /** Live: variables (by index) excluded from weight decay by identity. */
  readonly exclude_variables?: readonly number[];
  /** Live: at these steps `apply` gets only these variables, in this order. */
  readonly order?: readonly (readonly [step: number, variables: readonly number[]])[];
  /** Live: values given to the learning rate's setter before these applies. */
  readonly set_learning_rate?: readonly (readonly [step: number, value: number])[];
  /** Live: entries of `lr_bits` where Keras' pow, cos or log and the specification give other bits. */
  readonly spec_differs?: readonly SpecDifference[];
  /** Live: Keras' `global_norm` of the gradients that clipping saw at each step; `null` where it saw none. */
  readonly norm_bits?: readonly (string | null)[];
  /** Live: the first step at which rounding made a denominator of `centered` ≤ 0 in Keras. */
  readonly cancels_from?: number;
}

export interface ScheduleCase {
  readonly id?: string;
  readonly class_name: string;
  readonly config: Config;
  readonly serialized: Serialized;
  readonly lr_bits: readonly string[];
  readonly spec_differs: readonly SpecDifference[];
  /** Live: a case's own steps; the golden file has one list for all. */
  readonly steps?: readonly number[];
}

export interface ReductionCase {
  readonly size: number;
  readonly grad: Generator;
  readonly sum_of_squares_pairwise_f32: string;
  readonly "clipnorm_0.75_crc32": string;
  readonly "global_clipnorm_0.75_split_at": number;
  readonly "global_clipnorm_0.75_crc32": string;
}

export interface ValidationCase {
  readonly target: string;
  readonly kwargs: Config;
  readonly result: "ok" | "error";
  readonly error_type?: string;
  readonly message?: string;
  readonly warnings?: readonly string[];
}

export interface VectorFile<Case> {
  readonly meta: {
    readonly generator_self_check?: { readonly seed: number; readonly draws_k0_to_k7: readonly string[] };
  };
  readonly steps?: readonly number[];
  readonly cases: readonly Case[];
}
