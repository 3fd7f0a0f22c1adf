/**
 * Replays one norm clipping. The public API shows no clipped gradient as such, but with rho = 0 and `centered` the slot
 * `average_gradient` is 0·a + 1·g, which is the clipped gradient itself in every bit (but for −0, which these cases lack).
 */

import { RMSprop, Variable } from "rmsprop-wasm";
import { bitsOf, crcOf, fromBits } from "./bits.js";
import type { ReductionCase } from "./format.js";
import { generate } from "./generator.js";
import { type Mismatch, Mismatches } from "./mismatch.js";
import type { Runtime } from "./subject.js";

export function replayReduction(vector: ReductionCase, runtime: Runtime): Mismatch[] {
  const found = new Mismatches();
  const { size, grad } = vector;
  const gradient = generate(grad, { step: 0, total: size, offset: 0, size }, new Float32Array(0));
  const split = vector["global_clipnorm_0.75_split_at"];
  const sum = fromBits(vector.sum_of_squares_pairwise_f32);
  found.equal("gradientNorm", bitsOf(normOf(gradient, runtime)), bitsOf(Math.fround(Math.sqrt(sum))));
  const halves = [gradient.subarray(0, split), gradient.subarray(split)];
  found.equal("clipnorm", clippedCrc({ clipnorm: 0.75 }, [gradient], runtime), vector["clipnorm_0.75_crc32"]);
  found.equal(
    "globalClipnorm",
    clippedCrc({ globalClipnorm: 0.75 }, halves, runtime),
    vector["global_clipnorm_0.75_crc32"],
  );
  return found.list;
}

/** The norm that `lastStep` has of a step without clipping. */
function normOf(gradient: Float32Array, runtime: Runtime): number {
  const variable = new Variable(new Float32Array(gradient.length), { runtime });
  const optimizer = new RMSprop({ measure: { gradientNorm: true } });
  try {
    optimizer.apply([gradient], [variable]);
    return optimizer.lastStep!.gradientNorm!;
  } finally {
    optimizer.free();
    variable.free();
  }
}

function clippedCrc(
  clip: { clipnorm: number } | { globalClipnorm: number },
  gradients: readonly Float32Array[],
  runtime: Runtime,
): string {
  const variables = gradients.map((gradient) => new Variable(new Float32Array(gradient.length), { runtime }));
  const optimizer = new RMSprop({ ...clip, rho: 0, centered: true });
  try {
    optimizer.apply([...gradients], variables);
    return crcOf(variables.map((variable) => optimizer.slot("average_gradient", variable)!));
  } finally {
    optimizer.free();
    for (const variable of variables) variable.free();
  }
}
