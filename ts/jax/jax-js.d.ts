// The part of @jax-js/jax in use, which tsconfig.json names instead of its own declarations: those need the DOM's types, and the
// sources do without. The tests of the adapter compile against the real ones.

export type JsTree<T> = T | JsTree<T>[] | { [key: string]: JsTree<T> };

export declare namespace numpy {
  class Numbers {
    readonly shape: number[];
    readonly dtype: string;
    readonly device: "cpu" | "wasm" | "webgpu" | "webgl";
    /** One more reference: what takes an array frees the reference it was given. */
    readonly ref: this;
    readonly refCount: number;
    reshape(shape: number[]): Numbers;
    slice(range: [number, number]): Numbers;
    add(other: Numbers | number): Numbers;
    sub(other: Numbers | number): Numbers;
    mul(other: Numbers | number): Numbers;
    div(other: Numbers | number): Numbers;
    sum(): Numbers;
    astype(dtype: typeof float32): Numbers;
    dispose(): void;
    dataSync(): ArrayLike<number>;
    item(): number;
  }
  const uint32: unique symbol;
  const float32: unique symbol;
  type Options = { shape?: number[]; dtype?: typeof uint32; device?: Numbers["device"] };
  type Operand = Numbers | number;
  function sqrt(x: Operand): Numbers;
  function floor(x: Operand): Numbers;
  function cos(x: Operand): Numbers;
  function log(x: Operand): Numbers;
  function power(x: Operand, y: Operand): Numbers;
  function minimum(x: Operand, y: Operand): Numbers;
  function maximum(x: Operand, y: Operand): Numbers;
  function remainder(x: Operand, y: Operand): Numbers;
  function less(x: Operand, y: Operand): Numbers;
  function lessEqual(x: Operand, y: Operand): Numbers;
  function equal(x: Operand, y: Operand): Numbers;
  function where(condition: Numbers, x: Operand, y: Operand): Numbers;
  function clip(x: Operand, least: number, most: number): Numbers;
  function array(values: Float32Array | number, options?: Options): Numbers;
  function zeros(shape: number[], options?: Options): Numbers;

  export {
    array,
    clip,
    cos,
    equal,
    float32,
    floor,
    less,
    lessEqual,
    log,
    maximum,
    minimum,
    Numbers as Array,
    power,
    remainder,
    sqrt,
    uint32,
    where,
    zeros,
  };
}

export declare namespace tree {
  class JsTreeDef {
    readonly nodeType: "Array" | "Object" | "Leaf";
    /** The keys of an object. */
    readonly nodeMetadata: unknown;
    readonly childTreedefs: JsTreeDef[];
    equals(other: JsTreeDef): boolean;
  }
  function flatten<T>(tree: JsTree<T>): [T[], JsTreeDef];
  function unflatten<T>(structure: JsTreeDef, leaves: Iterable<T>): JsTree<T>;
  function dispose(tree: JsTree<numpy.Array> | undefined): void;
}
