// The overrides of variables in a checkpoint: the metadata `overrides`, if there are any.

import type { StoredOptimizer, StoredOverrides } from "../formats/stored-optimizer.js";
import { parsedJson } from "./parsed-json.js";

/** Their key in the metadata. */
export const OVERRIDES = "overrides";

/** The overrides of one variable, without the options that are the optimizer's. */
export type InspectedOverrides = Partial<StoredOverrides>;

/** The metadata that hold an optimizer's overrides: no key if there are none. */
export function overridesMetadata(optimizer: StoredOptimizer): Record<string, string> {
  const all: [path: string, overrides: InspectedOverrides][] = [];
  for (const variable of optimizer.trainableVariables) {
    const { learningRateMultiplier, weightDecay, trainable } = optimizer.overridesOf(variable);
    const overrides = {
      ...(learningRateMultiplier !== 1 && { learningRateMultiplier }),
      ...(weightDecay !== null && { weightDecay }),
      ...(!trainable && { trainable }),
    };
    if (Object.keys(overrides).length > 0) all.push([variable.path, overrides]);
  }
  return all.length > 0 ? { [OVERRIDES]: JSON.stringify(Object.fromEntries(all)) } : {};
}

/** The overrides that were saved as this text, by the variables' paths. */
export function parsedOverrides(text: string | undefined): ReadonlyMap<string, InspectedOverrides> {
  return new Map(Object.entries(parsedJson(OVERRIDES, text, "{}", isByPath, "overrides by path")));
}

const isObject = (value: unknown): value is object =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const isByPath = (value: unknown): value is Record<string, InspectedOverrides> =>
  isObject(value) && Object.values(value).every(isOverrides);

function isOverrides(value: unknown): boolean {
  if (!isObject(value)) return false;
  const { learningRateMultiplier = 1, weightDecay = false, trainable = true, ...others } = value as InspectedOverrides;
  return (
    typeof learningRateMultiplier === "number" &&
    (typeof weightDecay === "number" || weightDecay === false) &&
    typeof trainable === "boolean" &&
    Object.keys(others).length === 0
  );
}
