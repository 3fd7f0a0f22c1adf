// The garbage collector, for processes that were started with --expose-gc.

/** Collects all garbage. */
export function collect() {
  if (!globalThis.gc) throw new Error("node must be started with --expose-gc");
  globalThis.gc();
}
