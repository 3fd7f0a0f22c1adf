// Runs a known step. A policy, an embedder or an old processor can refuse SIMD only when a module is compiled, and iOS
// 16.4 compiled it but computed wrong results (wasm-feature-detect#75): only a result is proof.
import type { KernelExports } from "../generated/kernel.js";

/** Whether the first step of Keras' documentation, on a full group of eight and one that is mostly padding, has Keras' bits. */
export function computes(kernel: KernelExports): boolean {
  const size = 9;
  const variable = kernel.variable_create(size, 0, 0);
  const optimizer = kernel.optimizer_create();
  const built = kernel.optimizer_add(optimizer, variable) + kernel.optimizer_build(optimizer);
  const floats = (address: number) => new Float32Array(kernel.memory.buffer, address >>> 0, size);
  floats(kernel.variable_value(variable)).fill(10);
  floats(kernel.variable_gradient(variable)).fill(10);
  const stepped = kernel.optimizer_step(optimizer, 0, 0.1, -1);
  const right = floats(kernel.variable_value(variable)).every((value) => value === Math.fround(9.683772));
  kernel.optimizer_free(optimizer);
  kernel.variable_free(variable);
  return right && built === 0 && stepped === 0;
}
