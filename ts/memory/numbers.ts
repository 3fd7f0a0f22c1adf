// Number arrays handed in from outside: what is accepted, and how they get into linear memory.
import { kindOf, message, plural, show } from "../support/messages.js";
import { arrayBuffer, arrayKind, arrayLength, arrayOffset, isDetached, isShared } from "../support/typed-array.js";
import type { Runtime } from "./runtime.js";

/** Numbers from outside: a typed array, a plain array, or anything with a length and indices. */
export type Numbers = ArrayLike<number>;

/** Shared memories of our own runtimes: there, other threads write during a step alone. */
export const ownShared: WeakSet<ArrayBufferLike> = /* @__PURE__ */ new WeakSet();

/**
 * `values`, if it is an array of `size` numbers that can be copied; `what` says in the message what the size is. Texts are made
 * for errors alone.
 *
 * Plain arrays are copied: their elements can be getters, which must not run once a call has begun to change things.
 */
export function checkedNumbers(
  argument: string,
  values: unknown,
  size: number | undefined,
  what: () => string,
): Numbers {
  const rule = () => (size === undefined ? "an array of numbers" : `an array of ${plural(size, "number")}, ${what()}`);
  const kind = arrayKind(values);
  // A DataView has numbers in an order that nobody has said.
  if (typeof values !== "object" || values === null || (kind === undefined && ArrayBuffer.isView(values))) {
    throw new TypeError(message(argument, rule(), values));
  }
  const length = lengthOf(values as Numbers);
  if (typeof length !== "number") throw new TypeError(message(argument, rule(), values));
  const fits = () => {
    if (size === undefined ? Number.isInteger(length) && length >= 0 : length === size) return;
    throw new RangeError(message(argument, rule(), values));
  };
  if (kind !== undefined) {
    if (kind.startsWith("Big")) throw new TypeError(message(argument, rule(), values));
    const buffer = arrayBuffer(values);
    // Another thread could change shared memory between the check and the copy.
    if (!ownShared.has(buffer) && isShared(buffer)) {
      throw new TypeError(message(argument, `${rule()}, and not in shared memory (copy it first)`, values));
    }
    if (isDetached(buffer)) {
      throw new TypeError(message(argument, `${rule()}, and its buffer must not be detached`, values));
    }
    fits();
    return values as Numbers;
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
  what: () => string,
): Uint16Array {
  const kind = arrayKind(values);
  const isBits = kind === "Uint16Array";
  // A stand-in, where the engine has no Float16Array, is made of bits.
  const isFloat16 = kind === "Float16Array" || (isBits && kindOf(values as object) === "Float16Array");
  if (isFloat16 ? dtype !== "float16" : !isBits) {
    const arrays = `${dtype === "float16" ? "a Float16Array or " : ""}a Uint16Array with the bits of ${dtype} numbers`;
    throw new TypeError(message(argument, arrays, values));
  }
  const checked = checkedNumbers(argument, values, size, what) as Uint16Array;
  return isFloat16 ? new Uint16Array(arrayBuffer(checked), arrayOffset(checked), size) : checked;
}

/** How many numbers there are. A typed array can have another `length` of its own. */
export function lengthOf(numbers: Numbers): number {
  return arrayKind(numbers) === undefined ? numbers.length : arrayLength(numbers);
}

/** A copy of numbers that were checked. Constructors make it: `slice` and `from` run code that users can replace. */
export function copied(numbers: Numbers): Numbers {
  // Values and state are float32: as such they take half the memory, and no conversion.
  return arrayKind(numbers) === "Float32Array" ? new Float32Array(numbers) : new Float64Array(numbers);
}

/**
 * `numbers`, copied if they lie in the runtime's memory: allocating there can detach them, and copying other numbers
 * there can overwrite them.
 */
export function copyIfAliased(runtime: Runtime, numbers: Numbers): Numbers {
  if (arrayKind(numbers) === undefined) return numbers;
  const buffer = arrayBuffer(numbers);
  return buffer === runtime.buffer || ownShared.has(buffer) ? copied(numbers) : numbers;
}
