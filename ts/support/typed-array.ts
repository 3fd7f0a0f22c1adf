// What the engine itself knows of a typed array of any realm, whatever properties it was given.

const getter = <T>(of: () => object, key: PropertyKey): ((value: unknown) => T) => {
  const { get } = Object.getOwnPropertyDescriptor(of(), key) as PropertyDescriptor;
  return (value) => get?.call(value);
};
const typedArray = () => Object.getPrototypeOf(Int8Array.prototype);

/** `Float32Array` and so on; `undefined` for what is no typed array. */
export const arrayKind: (value: unknown) => string | undefined = /* @__PURE__ */ getter(typedArray, Symbol.toStringTag);

/** How many numbers a typed array has: 0 if its buffer is detached, or too small by now. */
export const arrayLength: (array: unknown) => number = /* @__PURE__ */ getter(typedArray, "length");

/** The buffer of a typed array. */
export const arrayBuffer: (array: unknown) => ArrayBuffer = /* @__PURE__ */ getter(typedArray, "buffer");

/** Where in its buffer a typed array begins. */
export const arrayOffset: (array: unknown) => number = /* @__PURE__ */ getter(typedArray, "byteOffset");

/** Throws for what is no ArrayBuffer. */
const bufferLength: (buffer: unknown) => number = /* @__PURE__ */ getter(() => ArrayBuffer.prototype, "byteLength");

/** Whether other threads can change a typed array's buffer. */
export function isShared(buffer: ArrayBufferLike): boolean {
  try {
    bufferLength(buffer);
    return false;
  } catch {
    return true;
  }
}

/** Whether a buffer was transferred. */
export function isDetached(buffer: ArrayBufferLike): boolean {
  try {
    // Also where there is no `ArrayBuffer.prototype.detached` yet: views on a detached buffer cannot be made.
    return !isShared(buffer) && bufferLength(buffer) === 0 && new Uint8Array(buffer).length > 0;
  } catch {
    return true;
  }
}
