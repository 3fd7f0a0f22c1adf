// What a step on the device did: numbers where the host knows them, else scalars that stay on the device.

import { StateError } from "../../support/errors.js";
import type { ResidentLastStep } from "../additions.js";
import type { TensorFlow, TensorLike } from "../tensorflow.js";

/** What a step knows of itself. Its tensors are the scope's. */
export interface StepRecord extends Omit<ResidentLastStep, "read"> {
  /** Under a dynamic loss scale, whether the variables were updated: a truth value. */
  readonly updates: TensorLike | null;
}

/** What is known of a step that updated nothing. */
export const NO_NORMS = { gradientNorm: null, clipFactor: 1, updateNorm: null } as const;

const isTensor = (value: unknown): value is TensorLike => typeof value === "object" && value !== null;

/** A record with tensors of its own. */
export class KeptStep {
  readonly lastStep: ResidentLastStep;
  readonly #record: StepRecord;
  #isOver = false;

  /** Makes the tensors, which are the scope's until `keep`. */
  constructor(record: StepRecord) {
    const own = Object.entries(record).map(([name, value]) => [name, isTensor(value) ? value.clone() : value]);
    this.#record = Object.fromEntries(own) as StepRecord;
    const { updates, ...members } = this.#record;
    this.lastStep = Object.freeze({ ...members, read: () => this.#read() });
  }

  keep(tf: TensorFlow): void {
    for (const tensor of this.#tensors) tf.keep(tensor);
  }

  dispose(): void {
    this.#isOver = true;
    for (const tensor of this.#tensors) tensor.dispose();
  }

  get #tensors(): TensorLike[] {
    return Object.values(this.#record).filter(isTensor);
  }

  async #read(): ReturnType<ResidentLastStep["read"]> {
    if (this.#isOver)
      throw new StateError("There was another step, or the optimizer was disposed of: read this one before.");
    const { outcome, ...others } = this.#record;
    // All of them asked for now, before the next step.
    const [finite, updates, learningRate, lossScale, gradientNorm, clipFactor, updateNorm] = await Promise.all([
      number(others.finite),
      number(others.updates),
      number(others.learningRate),
      number(others.lossScale),
      number(others.gradientNorm),
      number(others.clipFactor),
      number(others.updateNorm),
    ]);
    const now = outcome ?? (!finite ? "skipped" : updates ? "updated" : "accumulated");
    const norms = now === "updated" ? { gradientNorm, clipFactor, updateNorm } : NO_NORMS;
    return { outcome: now, learningRate, lossScale, finite: finite === null ? null : finite !== 0, ...norms };
  }
}

/** A member's number. */
async function number<T extends number | null>(value: T | TensorLike): Promise<T | number> {
  return isTensor(value) ? ((await value.data())[0] as number) : value;
}
