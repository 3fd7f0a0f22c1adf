// `using`: the end of a block frees what was declared with it.

/**
 * `Symbol.dispose`. Where the engine lacks it: the symbol that esbuild and Babel look for instead, when they have compiled
 * `using` for older engines.
 */
export const DISPOSE: typeof Symbol.dispose = /* @__PURE__ */ symbol();

function symbol(): typeof Symbol.dispose {
  return Symbol.dispose ?? (Symbol.for("Symbol.dispose") as typeof Symbol.dispose);
}
