// What must be the same in all replicas of a run.

import { readHeaderText } from "../formats/safetensors.js";
import { show } from "../support/messages.js";
import { ConfigurationError } from "./errors.js";

type Config = Readonly<Record<string, unknown>> & { readonly inner_optimizer?: { readonly config: Config } };

/** A configuration with the same names in every process. */
export function unnamed(config: object): object {
  const { inner_optimizer: inner, ...own } = config as Config;
  const name = inner ? "loss_scale_optimizer" : "rm_sprop";
  return inner ? { ...own, name, inner_optimizer: { ...inner, config: unnamed(inner.config) } } : { ...own, name };
}

/** What must be the same in all replicas, of a checkpoint: options, variables, shapes. By key, as text. */
function meaning(bytes: Uint8Array): Map<string, string> {
  const { __metadata__: metadata, ...tensors } = JSON.parse(readHeaderText(bytes)) as Record<string, Config>;
  const found = new Map<string, string>();
  const add = (config: Config) => {
    for (const [key, value] of Object.entries(config)) {
      // A rate that is a number is state, and in the checkpoint as such.
      if (key === "inner_optimizer") add((value as { readonly config: Config }).config);
      else found.set(key, key === "learning_rate" && typeof value === "number" ? "a number" : JSON.stringify(value));
    }
  };
  add(unnamed(JSON.parse(String(metadata?.["optimizer"]))) as Config);
  for (const [name, { shape }] of Object.entries(tensors)) found.set(`tensor ${name}`, JSON.stringify(shape));
  return found;
}

/** @throws {ConfigurationError} if two checkpoints are of optimizers with other options, variables or shapes. */
export function assertSameConfiguration(theirs: Uint8Array, ours: Uint8Array): void {
  const [run, own] = [meaning(theirs), meaning(ours)];
  for (const key of new Set([...run.keys(), ...own.keys()])) {
    if (run.get(key) === own.get(key)) continue;
    throw new ConfigurationError(`The run has ${key} = ${run.get(key)}; this optimizer has ${own.get(key)}.`);
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
  throw new TypeError(
    `The learning rate must be a number or one of the package's schedules, because a function may give other numbers in another engine; received ${show(rate)}. If it does not, say \`sameEverywhere: true\`.`,
  );
}
