// The part of @jax-js/jax in use, which tsconfig.json puts in the place of its own declarations: those need the DOM's types,
// and the sources do without. The tests of the adapter compile against the real ones.

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
    dataSync(): ArrayLike<number>;
    item(): number;
  }
  const uint32: unique symbol;
  type Options = { shape?: number[]; dtype?: typeof uint32; device?: Numbers["device"] };
  function array(values: Float32Array | number, options?: Options): Numbers;
  function zeros(shape: number[], options?: Options): Numbers;

  export { array, Numbers as Array, uint32, zeros };
}

export declare namespace tree {
  class JsTreeDef {
    equals(other: JsTreeDef): boolean;
  }
  function flatten<T>(tree: JsTree<T>): [T[], JsTreeDef];
  function unflatten<T>(structure: JsTreeDef, leaves: Iterable<T>): JsTree<T>;
  function dispose(tree: JsTree<numpy.Array> | undefined): void;
}
