// What the value comments of an example become: `w.value[0]; // 9.683772` is `check(() => w.value[0], 9.683772)`.

import assert from "node:assert/strict";

/** Arrays as plain ones; float32 numbers as they are written: with as few digits as tell them apart. */
function written(actual: unknown, expected: unknown): unknown {
  if (typeof actual === "number" && typeof expected === "number") {
    return actual === Math.fround(expected) ? expected : actual;
  }
  const list = ArrayBuffer.isView(actual) ? Array.from(actual as Float32Array) : actual;
  return Array.isArray(list) && Array.isArray(expected) ? list.map((item, i) => written(item, expected[i])) : list;
}

/** @public The modules that module.ts writes import it. */
export function check(value: () => unknown, expected: unknown): void {
  const actual = value();
  assert.deepEqual(written(actual, expected), expected);
}

/** @public For those modules too. The call fails with this class and message; `…` at its end stands for anything. */
export function throws(call: () => unknown, type: string, message: string): void {
  let error: unknown;
  try {
    call();
  } catch (caught) {
    error = caught;
  }
  compare(error, type, message);
}

/** The same of a call that may fail later: of what it throws, or what its promise is rejected with. */
export async function rejects(call: () => Promise<unknown>, type: string, message: string): Promise<void> {
  let error: unknown;
  try {
    await call();
  } catch (caught) {
    error = caught;
  }
  compare(error, type, message);
}

function compare(error: unknown, type: string, message: string): void {
  const actual = error instanceof Error ? `${error.constructor.name}: ${error.message}` : undefined;
  const expected = `${type}: ${message}`;
  if (expected.endsWith("…") && actual?.startsWith(expected.slice(0, -1))) return;
  assert.equal(actual, expected);
}
