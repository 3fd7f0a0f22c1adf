// Kernels and real launches of one step per tensor, beside tfjs' own optimizer. Counted, not timed.
import { watched } from "./cases.js";

/** @import { Outcome, ResidentOptions, Rmsprop, Tf, Tfjs } from "./types.js" */
/** @typedef {{ launches: number, uploads: number, reads: number }} Counts */

/**
 * Counts what the backend runs, uploads and reads while `work` runs.
 *
 * @param {Tf} tf
 * @param {() => void} work
 * @returns {Counts}
 */
export function counted(tf, work) {
  const backend = /** @type {Record<string, any>} */ (/** @type {unknown} */ (tf.backend()));
  const counts = { launches: 0, uploads: 0, reads: 0 };
  const launch = () => counts.launches++;
  const read = () => counts.reads++;
  /** @param {object} dataId */
  const uploadToGPU = (dataId) => {
    const data = (backend.texData ?? backend.tensorMap).get(dataId);
    if ((backend.texData ? data.texture : data.resource) == null && data.values != null) counts.uploads++;
  };
  watched(tf, { runWebGLProgram: launch, recordAndSubmit: launch, uploadToGPU, read, readSync: read }, work);
  return counts;
}

const TENSORS = 6;

/**
 * Per tensor, in a step after some others.
 *
 * @param {Tf} tf
 * @param {() => import("@tensorflow/tfjs-core").Optimizer} make
 * @param {boolean} isPacked
 */
async function count(tf, make, isPacked) {
  const list = Array.from({ length: TENSORS }, (_, i) =>
    tf.tidy(() => tf.variable(tf.ones([8, 8]), true, `launch_${i}_${Math.random()}`)),
  );
  // What `mul` gives is packed on webgl, as most gradients are; what `fill` gives is not.
  const named = Object.fromEntries(
    list.map(({ name }, i) => [
      name,
      isPacked ? tf.tidy(() => tf.mul(tf.fill([8, 8], i + 0.5), 2)) : tf.fill([8, 8], i + 0.5),
    ]),
  );
  const optimizer = make();
  for (let step = 0; step < 4; step++) optimizer.applyGradients(named);
  const { launches, uploads, reads } = counted(tf, () => optimizer.applyGradients(named));
  const { kernels } = await tf.profile(() => {
    optimizer.applyGradients(named);
    return tf.scalar(0);
  });
  // tfjs' optimizers dispose of what gradients they get from `minimize`, not of these.
  optimizer.dispose();
  tf.dispose([list, named]);
  const per = (/** @type {number} */ number) => number / TENSORS;
  return { launches: per(launches), uploads: per(uploads), reads, kernels: per(kernels.length) };
}

/** @type {Readonly<Record<string, Readonly<Record<string, number>>>>} */
const LIMITS = {
  webgpu: { plain: 1, momentum: 1, centered: 1, both: 1, decayed: 1, averaged: 1, scaled: 6, scaledBoth: 6 },
  webgl: { plain: 2, momentum: 3, centered: 3, both: 4, decayed: 2, averaged: 3, scaled: 12, scaledBoth: 14 },
};
/** @type {Readonly<Record<string, ResidentOptions>>} */
const OPTIONS = {
  plain: {},
  momentum: { momentum: 0.9 },
  centered: { centered: true },
  both: { momentum: 0.9, centered: true },
  decayed: { weightDecay: 0.1 },
  averaged: { useEma: true },
  scaled: { lossScale: {} },
  scaledBoth: { lossScale: {}, momentum: 0.9, centered: true },
};
/** @type {(tf: Tf, options: ResidentOptions) => import("@tensorflow/tfjs-core").Optimizer} */
const theirs = (tf, { momentum = 0, centered = false }) => tf.train.rmsprop(0.001, 0.9, momentum, 1e-7, centered);
/** @param {Counts & { kernels: number }} counts */
const text = ({ kernels, launches, uploads }) => `${kernels} kernels, ${launches} launches, ${uploads} uploads`;

export const launches = Object.fromEntries(
  Object.entries(OPTIONS).map(([name, options]) => [
    name,
    /** @type {(tf: Tf, tfjs: Tfjs, _: Rmsprop, backend: string) => Promise<Outcome>} */
    async (tf, tfjs, _, backend) => {
      const complaints = [];
      const most = LIMITS[backend]?.[name] ?? 0;
      const ours = await count(tf, () => tfjs.rmsprop(tf, { ...options, resident: true }), true);
      const unpacked = await count(tf, () => tfjs.rmsprop(tf, { ...options, resident: true }), false);
      const composed = await count(tf, () => tfjs.rmsprop(tf, { ...options, resident: "composed" }), true);
      const own =
        options.weightDecay || options.useEma || options.lossScale
          ? undefined
          : await count(tf, () => theirs(tf, options), true);
      if (!options.lossScale && ours.kernels !== 1) complaints.push(`${ours.kernels} kernels, not 1`);
      if (ours.launches > most) complaints.push(`${ours.launches} launches, more than ${most}`);
      if (unpacked.launches > most + (backend === "webgl" ? 1 : 0))
        complaints.push(`unpacked: ${unpacked.launches} launches`);
      if (ours.uploads + ours.reads > 0) complaints.push(`${ours.uploads} uploads, ${ours.reads} reads`);
      if (own && !(ours.launches * 5 < own.launches)) complaints.push(`tfjs has ${own.launches} launches only`);
      const detail = [
        `ours: ${text(ours)}`,
        `composed: ${text(composed)}`,
        ...(own ? [`tfjs: ${text(own)}`] : []),
      ].join("; ");
      return { complaints, detail };
    },
  ]),
);
