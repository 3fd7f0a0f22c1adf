// A step on one variable as one kernel of tfjs, on the backends for which there is one here.

import type { Coefficients } from "../../rule/coefficients.js";
import type { Form } from "../../rule/form.js";
import type { Arrays, Updated } from "../../rule/rmsprop.js";
import type { TensorFlow, TensorInfo, TensorLike } from "../tensorflow.js";
import { cpu, wasm } from "./host.js";
import type { Kernel } from "./kernel.js";
import { webgl } from "./webgl.js";
import { webgpu } from "./webgpu.js";

/** The name under which `tf.profile` lists a step. */
export const KERNEL = "RMSpropWasmStep";

const KERNELS: Readonly<Record<string, { isFor(backend: object): boolean; step: Kernel<never> }>> = {
  webgpu: { isFor: (backend) => "runWebGPUProgram" in backend, step: webgpu },
  webgl: { isFor: (backend) => "runWebGLProgram" in backend, step: webgl },
  cpu: { isFor: (backend) => "data" in backend, step: cpu },
  wasm: { isFor: (backend) => "typedArrayFromHeap" in backend, step: wasm },
};

interface Call {
  readonly inputs: object;
  readonly attrs: object;
  readonly backend: object;
}

/** The kernel for the backend in use, if there is one. */
export function kernelOf(tf: TensorFlow): Kernel<never> | undefined {
  const name = tf.getBackend();
  const kernel = Object.hasOwn(KERNELS, name) ? KERNELS[name] : undefined;
  if (!kernel?.isFor(tf.backend())) return undefined;
  // The registered function only calls the one it is given, so it serves every copy and version of this package.
  if (!tf.getKernel(KERNEL, name)) {
    tf.registerKernel({
      kernelName: KERNEL,
      backendName: name,
      kernelFunc: ({ inputs, attrs, backend }: Call) =>
        (attrs as { run(backend: object, inputs: object): TensorInfo[] }).run(backend, inputs),
    });
  }
  return kernel.step;
}

/** One step by a kernel of `kernelOf`. */
export function runKernel(
  tf: TensorFlow,
  kernel: Kernel<never>,
  form: Form,
  coefficients: Coefficients,
  arrays: Arrays<TensorLike>,
  controls?: TensorLike,
): Partial<Updated<TensorLike>> {
  const inputs = Object.fromEntries(
    Object.entries({ ...arrays, controls }).filter(([, tensor]) => tensor !== undefined),
  );
  let names: string[] = [];
  const run = (backend: never, infos: Arrays<TensorInfo> & { readonly controls?: TensorInfo }) => {
    const { controls, ...others } = infos;
    const updated = kernel(backend, form, coefficients, others, controls);
    const made = Object.entries(updated).filter(([, info]) => info !== undefined);
    names = made.map(([name]) => name);
    return made.map(([, info]) => info);
  };
  const outputs = [tf.engine().runKernel(KERNEL, inputs, { run })].flat();
  return Object.fromEntries(names.map((name, i) => [name, outputs[i]])) as Partial<Updated<TensorLike>>;
}
