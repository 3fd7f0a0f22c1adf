// `using`, where the engine knows it: sandboxes without `Symbol.dispose` have no `using` either.

/** Makes the end of a block with `using` call `free`: a subclass' own, if it has one. */
export function defineDispose(object: { free(): void }): void {
  if (!Symbol.dispose) return;
  Object.defineProperty(object, Symbol.dispose, {
    configurable: true,
    writable: true,
    value(this: { free(): void }) {
      this.free();
    },
  });
}
