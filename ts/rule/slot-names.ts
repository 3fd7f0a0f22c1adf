// What others call the slots in their files. What they do not have is not there.

import type { Slot } from "../generated/codes.js";

type Names = Readonly<Partial<Record<Slot, string>>>;

/** Keras 2 and TensorFlow.js. */
export const TENSORFLOW: Names = { velocity: "rms", momentum: "momentum", average_gradient: "mg" };

export const PYTORCH: Names = { velocity: "square_avg", momentum: "momentum_buffer", average_gradient: "grad_avg" };
