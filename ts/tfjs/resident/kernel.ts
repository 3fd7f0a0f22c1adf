// What a kernel of ours is, on any backend.

import type { Coefficients } from "../../rule/coefficients.js";
import type { Form } from "../../rule/form.js";
import type { Arrays, Updated } from "../../rule/rmsprop.js";
import type { TensorInfo } from "../tensorflow.js";

/**
 * One step on one variable by a backend's own means. What it leaves out of the result was written in place. With `controls`, a
 * vector as `CONTROLS` lists it, the device decides what the step does, and `form.overwrites` is whether it may overwrite.
 */
export type Kernel<Backend> = (
  backend: Backend,
  form: Form,
  coefficients: Coefficients,
  arrays: Arrays<TensorInfo>,
  controls: TensorInfo | undefined,
) => Partial<Updated<TensorInfo>>;
