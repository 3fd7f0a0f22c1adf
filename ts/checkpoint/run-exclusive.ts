// One call after the other, for each key: of two calls, the later one has the last word.

const last = new Map<string, Promise<unknown>>();

/** Runs `work` once all earlier work with the same key has settled. */
export function runExclusive<T>(key: string, work: () => Promise<T>): Promise<T> {
  const result = (last.get(key) ?? Promise.resolve()).then(work, work);
  last.set(key, result);
  const forget = () => {
    if (last.get(key) === result) last.delete(key);
  };
  result.then(forget, forget);
  return result;
}
