// Kernels and real launches of one step per tensor, beside tfjs' own optimizer. Counted, not timed.

/** Counts what the backend runs and uploads while `work` runs. */
function counted(tf, work) {
  const backend = tf.backend();
  const counts = { launches: 0, uploads: 0, reads: 0 };
  const undo = [];
  const spy = (name, count) => {
    const original = backend[name];
    if (!original) return;
    backend[name] = function (...args) {
      count(...args);
      return original.apply(this, args);
    };
    undo.push(() => {
      backend[name] = original;
    });
  };
  spy("runWebGLProgram", () => counts.launches++);
  spy("recordAndSubmit", () => counts.launches++);
  spy("uploadToGPU", (dataId) => {
    const data = (backend.texData ?? backend.tensorMap).get(dataId);
    if ((backend.texData ? data.texture : data.resource) == null && data.values != null) counts.uploads++;
  });
  for (const name of ["read", "readSync"]) spy(name, () => counts.reads++);
  try {
    work();
  } finally {
    for (const restore of undo) restore();
  }
  return counts;
}

const TENSORS = 6;

/** Per tensor, in a step after some others. */
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
  const per = (number) => number / TENSORS;
  return { launches: per(launches), uploads: per(uploads), reads, kernels: per(kernels.length) };
}

const LIMITS = {
  webgpu: { plain: 1, momentum: 1, centered: 1, both: 1, decayed: 1, averaged: 1 },
  webgl: { plain: 2, momentum: 3, centered: 3, both: 4, decayed: 2, averaged: 3 },
};
const OPTIONS = {
  plain: {},
  momentum: { momentum: 0.9 },
  centered: { centered: true },
  both: { momentum: 0.9, centered: true },
  decayed: { weightDecay: 0.1 },
  averaged: { useEma: true },
};
const theirs = (tf, { momentum = 0, centered = false }) => tf.train.rmsprop(0.001, 0.9, momentum, 1e-7, centered);
const text = ({ kernels, launches, uploads }) => `${kernels} kernels, ${launches} launches, ${uploads} uploads`;

export const launches = Object.fromEntries(
  Object.entries(OPTIONS).map(([name, options]) => [
    name,
    async (tf, tfjs, _, backend) => {
      const complaints = [];
      const most = LIMITS[backend][name];
      const ours = await count(tf, () => tfjs.rmsprop(tf, { ...options, resident: true }), true);
      const unpacked = await count(tf, () => tfjs.rmsprop(tf, { ...options, resident: true }), false);
      const composed = await count(tf, () => tfjs.rmsprop(tf, { ...options, resident: "composed" }), true);
      const own = options.weightDecay || options.useEma ? undefined : await count(tf, () => theirs(tf, options), true);
      if (ours.kernels !== 1) complaints.push(`${ours.kernels} kernels, not 1`);
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
