// What a storage helper must do on its host: keep a checkpoint, and resume from it. Like suite.js in nothing but ECMAScript,
// but asynchronous.

/** @import { Checkpoint, Package, Result } from "./types.js" */

/**
 * The result for the report. `store` is a storage helper of the package, `target` a name or path that it takes.
 *
 * @template T
 * @param {Package} rmsprop
 * @param {Checkpoint} checkpoint
 * @param {{ readCheckpoint(target: T): Promise<Uint8Array | null>, writeCheckpoint(target: T, bytes: Uint8Array): Promise<void> }} store
 * @param {T} target
 * @returns {Promise<Result>}
 */
export async function storage({ RMSprop, Variable }, { load, save }, store, target) {
  const made = () => {
    const w = new Variable([1, -2, 3], { name: "w" });
    const optimizer = new RMSprop({ momentum: 0.9, name: "optimizer" });
    optimizer.build([w]);
    const step = () => {
      w.gradient.set(w.value);
      optimizer.step();
    };
    return { optimizer, step };
  };
  const must = (/** @type {string} */ what, /** @type {boolean} */ holds) => {
    if (!holds) throw new Error(what);
  };
  const same = (/** @type {Uint8Array} */ a, /** @type {Uint8Array} */ b) =>
    a.length === b.length && a.every((byte, i) => byte === b[i]);
  try {
    must("there is a file before one is written", (await store.readCheckpoint(target)) === null);
    const whole = made();
    // Written at once, read when all are done: the last one must be there.
    const writing = [];
    for (let i = 0; i < 5; i++) {
      whole.step();
      writing.push(store.writeCheckpoint(target, save(whole.optimizer)));
    }
    await Promise.all(writing);
    const bytes = await store.readCheckpoint(target);
    if (!bytes) throw new Error("there is no file after one was written");
    must("other bytes are read than were written last", same(bytes, save(whole.optimizer)));
    const resumed = made();
    load(bytes, resumed.optimizer);
    whole.step();
    resumed.step();
    must("training does not go on with the same bits", same(save(resumed.optimizer), save(whole.optimizer)));
    return { name: "storage", ok: true };
  } catch (error) {
    return { name: "storage", ok: false, detail: String(error) };
  }
}
