// Number arrays handed in from outside: what is accepted, and how they get into linear memory.
import { counted, kindOf, message, show } from "./errors.js";
import type { Runtime } from "./runtime.js";

/** Numbers from outside: a typed array, a plain array, or anything with a length and indices. */
export type Numbers = ArrayLike<number>;

/** Shared memories of our own runtimes: there, other threads write during a step alone. */
export const ownShared: WeakSet<ArrayBufferLike> = /* @__PURE__ */ new WeakSet();

/**
 * `values`, if it is an array of `size` numbers that can be copied; `what` says in the message what the size is.
 *
 * Plain arrays are copied: their elements can be getters, which must not run once a call has begun to change things.
 */
export function checkedNumbers(argument: string, values: unknown, size: number | undefined, what: string): Numbers {
  const rule = size === undefined ? "an array of numbers" : `an array of ${counted(size, "number")}, ${what}`;
  if (typeof values !== "object" || values === null || typeof (values as Numbers).length !== "number") {
    throw new TypeError(message(argument, rule, values));
  }
  const { length } = values as Numbers;
  const fits = () => {
    if (size === undefined ? Number.isInteger(length) && length >= 0 : length === size) return;
    throw new RangeError(message(argument, rule, values));
  };
  if (ArrayBuffer.isView(values)) {
    if (kindOf(values).startsWith("Big")) throw new TypeError(message(argument, rule, values));
    // Another thread could change shared memory between the check and the copy.
    if (kindOf(values.buffer) === "SharedArrayBuffer" && !ownShared.has(values.buffer)) {
      throw new TypeError(message(argument, `${rule}, and not in shared memory (copy it first)`, values));
    }
    if (isDetached(values.buffer as ArrayBuffer)) {
      throw new TypeError(message(argument, `${rule}, and its buffer must not be detached`, values));
    }
    fits();
    return values as unknown as Numbers;
  }
  fits();
  const copy: number[] = [];
  for (let i = 0; i < length; i++) {
    const number: unknown = (values as Numbers)[i];
    if (typeof number !== "number") {
      // Without a size, the array may get a shape.
      const flat = `a number: flatten nested arrays${size === undefined ? ", and give `shape`" : ""}`;
      const isNested = / ?array of /i.test(show(number)) && typeof number === "object";
      throw new TypeError(message(`${argument}[${i}]`, isNested ? flat : "a number", number));
    }
    copy.push(number);
  }
  return copy;
}

/**
 * The bits of `values`, if it is an array of `size` numbers of this 16-bit type. Other types are not rounded to it: that
 * would be a choice of the caller's.
 */
export function checkedBits(
  argument: string,
  values: unknown,
  dtype: "float16" | "bfloat16",
  size: number,
  what: string,
): Uint16Array {
  const kind = ArrayBuffer.isView(values) ? kindOf(values) : "";
  const isFloat16 = kind === "Float16Array" && dtype === "float16";
  if (!isFloat16 && kind !== "Uint16Array") {
    const arrays = `${dtype === "float16" ? "a Float16Array or " : ""}a Uint16Array with the bits of ${dtype} numbers`;
    throw new TypeError(message(argument, arrays, values));
  }
  const checked = checkedNumbers(argument, values, size, what) as Uint16Array;
  return isFloat16 ? new Uint16Array(checked.buffer, checked.byteOffset, size) : checked;
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

/** A copy of numbers that were checked. Constructors make it: `slice` and `from` run code that users can replace. */
export function copied(numbers: Numbers): Numbers {
  // Values and state are float32: as such they take half the memory, and no conversion.
  return kindOf(numbers) === "Float32Array" ? new Float32Array(numbers) : new Float64Array(numbers);
}

/**
 * `numbers`, copied if they lie in the runtime's memory: allocating there can detach them, and copying other numbers
 * there can overwrite them.
 */
export function outside(runtime: Runtime, numbers: Numbers): Numbers {
  const inside = ArrayBuffer.isView(numbers) && (numbers.buffer === runtime.buffer || ownShared.has(numbers.buffer));
  return inside ? copied(numbers) : numbers;
}
