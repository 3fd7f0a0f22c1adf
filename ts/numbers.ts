// Number arrays handed in from outside: what is accepted, and how they get into linear memory.
import { message } from "./errors.js";

/** Numbers from outside: a typed array, a plain array, or anything with a length and indices. */
export type Numbers = ArrayLike<number>;

/** `values`, if it is an array of `size` numbers that can be copied; `what` says in the message what the size is. */
export function checkedNumbers(argument: string, values: unknown, size: number | undefined, what: string): Numbers {
  const rule = size === undefined ? "an array of numbers" : `an array of ${size} numbers, ${what}`;
  if (typeof values !== "object" || values === null || typeof (values as Numbers).length !== "number") {
    throw new TypeError(message(argument, rule, values));
  }
  const numbers = values as Numbers;
  if (ArrayBuffer.isView(values)) {
    if (values instanceof BigInt64Array || values instanceof BigUint64Array) {
      throw new TypeError(message(argument, rule, values));
    }
    // Another thread could change shared memory between the check and the copy.
    if (Object.prototype.toString.call(values.buffer) === "[object SharedArrayBuffer]") {
      throw new TypeError(message(argument, `${rule}, and not in shared memory (copy it first)`, values));
    }
    if (isDetached(values.buffer as ArrayBuffer)) {
      throw new TypeError(message(argument, `${rule}, and its buffer must not be detached`, values));
    }
  } else {
    for (let i = 0; i < numbers.length; i++) {
      if (typeof numbers[i] !== "number") throw new TypeError(message(`${argument}[${i}]`, "a number", numbers[i]));
    }
  }
  if (size !== undefined && numbers.length !== size) throw new RangeError(message(argument, rule, values));
  return numbers;
}

function isDetached(buffer: ArrayBuffer): boolean {
  if (buffer.byteLength > 0) return false;
  try {
    // Also where there is no `ArrayBuffer.prototype.detached` yet: views on a detached buffer cannot be made.
    new Uint8Array(buffer);
    return false;
  } catch {
    return true;
  }
}
