// A million objects in one runtime: no handle is given twice, and one that was freed finds nothing.
import * as fc from "fast-check";
import { createRuntime } from "rmsprop-wasm";

const OBJECTS = 1_000_000;

/** @typedef {import("../../ts/generated/kernel.js").KernelExports} KernelExports */

/** @type {import("./run.mjs").Campaign} */
export const campaign = {
  name: "objects",
  what: "10⁶ objects created and freed in a runtime, on both backends",
  property: () =>
    fc.property(
      fc.constantFrom(/** @type {const} */ ("wasm"), /** @type {const} */ ("js")),
      fc.integer({ min: 1, max: 2 ** 31 - 1 }),
      fc.integer({ min: 1, max: 2000 }),
      (backend, seed, most) => {
        const { kernel } = /** @type {{ kernel: KernelExports }} */ (
          /** @type {unknown} */ (createRuntime({ backend }))
        );
        /** Handles of all objects there ever were. @type {Set<number>} */
        const used = new Set();
        /** @type {{ handle: number, size: number, mark: number }[]} */
        const alive = [];
        let state = seed;
        const next = () => {
          state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9;
          return (state ^ (state >>> 13)) >>> 0;
        };
        const valuesOf = (/** @type {number} */ handle, /** @type {number} */ size) =>
          new Float32Array(kernel.memory.buffer, kernel.variable_value(handle) >>> 0, size);
        for (let made = 0; made < OBJECTS; ) {
          if (alive.length < most && next() % 2 === 0) {
            const size = 1 + (next() % 4);
            const handle = kernel.variable_create(size, 0, 0) >>> 0;
            if (handle === 0) throw new Error(`no room for object ${made}`);
            if (used.has(handle)) throw new Error(`handle ${handle} was given twice`);
            used.add(handle);
            const mark = made % 2 ** 24;
            valuesOf(handle, size).fill(mark);
            alive.push({ handle, size, mark });
            made++;
          } else if (alive.length > 0) {
            const index = next() % alive.length;
            const { handle, size, mark } = /** @type {(typeof alive)[number]} */ (alive[index]);
            const last = /** @type {(typeof alive)[number]} */ (alive.pop());
            if (index < alive.length) alive[index] = last;
            if (valuesOf(handle, size).some((value) => value !== mark))
              throw new Error(`object ${mark} was overwritten`);
            kernel.variable_free(handle);
            if (kernel.variable_value(handle) !== 0) throw new Error(`object ${mark} was freed, and is still there`);
          }
        }
        const living = new Set(alive.map(({ handle }) => handle));
        for (const handle of used) {
          const found = kernel.variable_value(handle) !== 0;
          if (found !== living.has(handle))
            throw new Error(`handle ${handle} finds ${found ? "a newer object" : "nothing"}`);
        }
        for (const { handle, size, mark } of alive) {
          if (valuesOf(handle, size).some((value) => value !== mark)) throw new Error(`object ${mark} was overwritten`);
        }
      },
    ),
};
