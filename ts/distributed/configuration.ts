// What must be the same in all replicas of a run.

import { save } from "../checkpoint/index.js";
import { checkedBytes } from "../formats/bytes.js";
import { read } from "../formats/safetensors.js";
import { message } from "../support/messages.js";
import { ConfigurationError } from "./errors.js";
import type { FoldedOptimizer, ReplicatedVariable } from "./fold.js";

/** An optimizer that can be replicated: `RMSprop` and `LossScaleOptimizer`, of any entry of the package. */
export type ReplicatedOptimizer = FoldedOptimizer & {
  /** Names it in messages. */
  readonly name: string;
  /** Whether it has state. */
  readonly built: boolean;
  /** The variables it trains. */
  readonly trainableVariables: readonly ReplicatedVariable[];
  /** Its counters, rates and slots. */
  readonly variables: Parameters<typeof save>[0]["variables"];
  /** Its configuration. */
  getConfig(): object;
  /** The overrides of a variable. */
  overridesOf(variable: ReplicatedVariable): ReturnType<Parameters<typeof save>[0]["overridesOf"]>;
  /** Puts back the values of `variables`. */
  setWeights(weights: readonly (ArrayLike<number> | number)[]): void;
};

type Config = Readonly<Record<string, unknown>> & { readonly inner_optimizer?: { readonly config: Config } };

/** A configuration with the same names in every process. */
function unnamed(config: object): object {
  const { inner_optimizer: inner, ...own } = config as Config;
  const name = inner ? "loss_scale_optimizer" : "rm_sprop";
  return inner ? { ...own, name, inner_optimizer: { ...inner, config: unnamed(inner.config) } } : { ...own, name };
}

/** What a checkpoint says that must be the same in all replicas: options, overrides, variables, shapes. By key, as text. */
function meaning(bytes: Uint8Array): Map<string, string> {
  const { metadata, tensors } = read(checkedBytes(bytes));
  const found = new Map<string, string>();
  const add = (config: Config) => {
    for (const [key, value] of Object.entries(config)) {
      // A rate that is a number is state, which the checkpoint holds elsewhere.
      if (key === "inner_optimizer") add((value as { readonly config: Config }).config);
      else found.set(key, key === "learning_rate" && typeof value === "number" ? "a number" : JSON.stringify(value));
    }
  };
  add(unnamed(JSON.parse(metadata.get("optimizer") ?? "null")) as Config);
  found.set("overrides", metadata.get("overrides") ?? "none");
  for (const [name, { shape }] of tensors) found.set(`tensor ${name}`, JSON.stringify(shape));
  return found;
}

/** @throws {ConfigurationError} if two checkpoints are of optimizers with other options, variables or shapes. */
export function assertSameConfiguration(theirs: Uint8Array, ours: Uint8Array): void {
  const [run, own] = [meaning(theirs), meaning(ours)];
  for (const key of new Set([...run.keys(), ...own.keys()])) {
    if (run.get(key) === own.get(key)) continue;
    const [theirs, mine] = [run, own].map((all) => all.get(key) ?? "none");
    throw new ConfigurationError(`The run has ${key} = ${theirs}; this optimizer has ${mine}.`);
  }
}

/** Refuses rates that another engine may compute differently. */
export function assertSameEverywhere(config: object): void {
  const { inner_optimizer: inner, learning_rate: rate } = config as Config;
  if (inner) {
    assertSameEverywhere(inner.config);
    return;
  }
  const { module } = (typeof rate === "object" && rate !== null ? rate : {}) as { readonly module?: unknown };
  if (typeof rate !== "object" || module === "keras.optimizers.schedules") return;
  const rule = "a number or one of the package's schedules, unless `sameEverywhere` is true";
  throw new TypeError(message("learningRate", rule, rate));
}

/** The state as a checkpoint: names that are counted up in each process must not tell replicas apart. */
export const saved = (optimizer: ReplicatedOptimizer): Uint8Array<ArrayBuffer> =>
  save({
    name: optimizer.name,
    built: optimizer.built,
    variables: optimizer.variables,
    trainableVariables: optimizer.trainableVariables,
    getConfig: () => unnamed(optimizer.getConfig()),
    overridesOf: (variable) => optimizer.overridesOf(variable as ReplicatedVariable),
    setWeights() {},
  });
