// Noise with the same bits in every engine: sums of twelve uniforms (mean 0, standard deviation 1), no `Math.log`.

import { seededRandom } from "../../../examples/digits/random.js";

export function normals(count: number, seed: number): Float64Array {
  const uniform = seededRandom(seed);
  return Float64Array.from({ length: count }, () => {
    let sum = -6;
    for (let i = 0; i < 12; i++) sum += uniform();
    return sum;
  });
}
