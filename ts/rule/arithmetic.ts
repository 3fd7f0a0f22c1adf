// What the formula of ./rmsprop.ts is computed with: tensors, arrays, or the text of a shader.

/** Operations on numbers of the kind `T`, element by element. Each is one float32 operation, rounded to nearest. */
export interface Arithmetic<T> {
  add(a: T, b: T): T;
  sub(a: T, b: T): T;
  mul(a: T, b: T): T;
  div(a: T, b: T): T;
  sqrt(a: T): T;
  /** `a` where it is above 0 or NaN, else `least`, which is one number. */
  positive(a: T, least: T): T;
  /** `a` cut to [-limit, limit]; `limit` is one number. NaN stays. */
  clamp(a: T, limit: T): T;
}
