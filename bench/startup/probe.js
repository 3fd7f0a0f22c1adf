// What a cold start costs, in Node and in a page: the import, the first finished step, and how long steps are slow.

/** @typedef {typeof import("rmsprop-wasm")} Package */

const now = () => performance.now();

/** How long steps are watched. */
const MILLISECONDS = 150;

/**
 * Times batches of steps of 4,096 parameters, until well after the engine optimized them.
 *
 * @param {Package} rmsprop
 */
function batches(rmsprop) {
  const variable = new rmsprop.Variable(new Float32Array(4096).fill(0.5));
  const optimizer = new rmsprop.RMSprop();
  optimizer.build([variable]);
  variable.gradient.fill(0.25);
  const steps = 8;
  /** @type {{ at: number, perStep: number }[]} */
  const list = [];
  const started = now();
  for (let begin = started; begin - started < MILLISECONDS; ) {
    for (let i = 0; i < steps; i++) optimizer.step();
    const end = now();
    list.push({ at: begin - started, perStep: (end - begin) / steps });
    begin = end;
  }
  return list;
}

/**
 * The median of `perStep`.
 *
 * @param {{ perStep: number }[]} list
 */
const typical = (list) => list.map(({ perStep }) => perStep).sort((a, b) => a - b)[list.length >> 1];

/**
 * One cold start of an entry. With `bytes`, the entry is `slim`, which is given its WebAssembly and need not decode it.
 *
 * @param {string} url
 * @param {Uint8Array} [bytes]
 * @returns {Promise<import("../types.js").ColdStart>}
 */
export async function probe(url, bytes) {
  const begin = now();
  /** @type {Package & { initSync?: (bytes: Uint8Array) => void }} */
  const rmsprop = await import(url);
  const imported = now();
  if (bytes) rmsprop.initSync?.(bytes);
  const w = new rmsprop.Variable(10);
  const optimizer = new rmsprop.RMSprop({ learningRate: 0.1 });
  optimizer.build([w]);
  w.gradient[0] = 10;
  optimizer.step();
  const stepped = now();
  if (w.value[0] !== Math.fround(9.683772)) throw new Error(`the first step gives ${w.value[0]}`);

  const list = batches(rmsprop);
  const optimized = typical(list.slice(list.length >> 1));
  // Fast from here on: the first of five batches in a row that are as fast as the later ones.
  const isFast = (/** @type {{ perStep: number }} */ { perStep }) => perStep < 1.15 * optimized;
  const reached = list.findIndex((_, i) => i + 5 <= list.length && list.slice(i, i + 5).every(isFast));
  return {
    import: imported - begin,
    firstStep: stepped - imported,
    untilOptimized: reached < 0 ? null : list[reached].at,
    baseline: typical(list.slice(0, 5)),
    optimized,
    backend: rmsprop.backend(),
  };
}
