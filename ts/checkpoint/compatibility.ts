// Which options decide what the arrays of a checkpoint mean. All others may change between saving and loading.

import type { StoredOverrides } from "../formats/stored-optimizer.js";
import { CheckpointError } from "../support/errors.js";
import { show } from "../support/messages.js";
import type { InspectedOverrides } from "./overrides.js";
import { parsedJson } from "./parsed-json.js";

interface MeaningfulOptions {
  /** Whether the learning rate is in the momentum buffer. */
  readonly momentum_mode?: unknown;
  /** How many gradients the accumulators sum. */
  readonly gradient_accumulation_steps?: unknown;
}

/** A variable that is loaded: its overrides when it was saved, and now. */
export interface ComparedOverrides {
  readonly path: string;
  readonly saved: InspectedOverrides;
  readonly now: StoredOverrides;
}

/**
 * @param text the configuration that the checkpoint was saved with.
 * @param now that of the optimizer it is loaded into.
 * @param slots the kinds of state that both have.
 * @param iteration calls so far, when it was saved.
 * @param variables the overrides of the variables that are loaded.
 * @throws {CheckpointError} if the optimizer would take the state for something else; it says what.
 */
export function assertCompatible(
  text: string | undefined,
  now: object,
  slots: ReadonlySet<string | null>,
  iteration: number,
  variables: readonly ComparedOverrides[],
): void {
  const [saved, wanted] = [ofRMSprop(parsedConfig(text)), ofRMSprop(now)];
  const mode = saved.momentum_mode ?? "keras";
  if (slots.has("momentum")) {
    if (mode !== (wanted.momentum_mode ?? "keras")) {
      const held = mode === "keras" ? "has the learning rate in it" : "does not have the learning rate in it";
      throw new CheckpointError(
        `The checkpoint's momentum ${held}, unlike this optimizer's: make it with \`momentumMode: ${show(mode)}\`.`,
      );
    }
    if (mode === "keras") for (const variable of variables) assertSameMultiplier(variable);
  }
  if (!slots.has("gradient_accumulator")) return;
  const counts = [saved, wanted].map(({ gradient_accumulation_steps: steps }) => steps as number);
  // Where both are at the end of an accumulation, nothing in the accumulators counts.
  if (counts.every((steps) => iteration % steps === 0)) return;
  if (counts[0] !== counts[1]) {
    throw new CheckpointError(
      `The checkpoint is from the middle of an accumulation, of ${show(counts[0])} gradients there or ${show(counts[1])} here: make the optimizer with \`gradientAccumulationSteps: ${show(counts[0])}\`.`,
    );
  }
  for (const variable of variables) assertSameTrainable(variable);
}

function assertSameMultiplier({
  path,
  saved: { learningRateMultiplier: multiplier = 1 },
  now,
}: ComparedOverrides): void {
  if (multiplier === now.learningRateMultiplier) return;
  throw new CheckpointError(
    `The checkpoint's momentum of ${show(path)} has ${multiplier} times the learning rate in it, not ${now.learningRateMultiplier} times: call \`override\` with \`learningRateMultiplier: ${multiplier}\` before \`load\`.`,
  );
}

function assertSameTrainable({ path, saved: { trainable = true }, now }: ComparedOverrides): void {
  if (trainable === now.trainable) return;
  throw new CheckpointError(
    `The checkpoint is from the middle of an accumulation, in which ${show(path)} was ${trainable ? "trained" : "frozen"}: call \`override\` with \`trainable: ${trainable}\` before \`load\`.`,
  );
}

/** The configuration of the RMSprop in it: a LossScaleOptimizer has one inside. */
function ofRMSprop(config: object): MeaningfulOptions {
  const { inner_optimizer: inner } = config as { readonly inner_optimizer?: { readonly config?: object } | null };
  return inner?.config ?? config;
}

/** The configuration that was saved as this text. */
export function parsedConfig(text: string | undefined): object {
  const isConfig = (value: unknown) => typeof value === "object" && value !== null;
  return parsedJson("optimizer", text, "", isConfig, "a configuration");
}
