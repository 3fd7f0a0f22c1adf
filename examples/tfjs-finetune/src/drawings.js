// Small drawings with noise: bars in four directions, and crosses of two of them.

import * as tf from "@tensorflow/tfjs-core";

export const SIZE = 12;
/** Kinds are the directions of their strokes: [dx, dy]. */
export const BARS = [[[1, 0]], [[0, 1]], [[1, 1]], [[1, -1]]];
export const CROSSES = [
  [
    [1, 0],
    [0, 1],
  ],
  [
    [1, 1],
    [1, -1],
  ],
];

/** `count` drawings of these kinds in turn, and which kind each is; the same for the same seed. */
export function drawings(kinds, count, seed) {
  let state = seed;
  const random = () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return (state >>> 8) / 2 ** 24;
  };
  const x = tf.buffer([count, SIZE, SIZE, 1]);
  const labels = [];
  for (let i = 0; i < count; i++) {
    for (let j = 0; j < SIZE * SIZE; j++) x.values[i * SIZE * SIZE + j] = 0.3 * random();
    const kind = i % kinds.length;
    labels.push(kind);
    const center = () => 3 + Math.floor(random() * (SIZE - 6));
    const [cx, cy] = [center(), center()];
    for (const [dx, dy] of kinds[kind]) for (let t = -3; t <= 2; t++) x.set(1, i, cy + t * dy, cx + t * dx, 0);
  }
  return { x: x.toTensor(), y: tf.oneHot(tf.tensor1d(labels, "int32"), kinds.length) };
}
