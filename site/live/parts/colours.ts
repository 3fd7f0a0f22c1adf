// The page's colours, as its style sheet says them. Read once per theme: asking the browser in each frame costs frames.

const cache = new Map<string, string>();

/** The value of a custom property of the page, such as `--keras`. */
export function colour(name: string): string {
  let value = cache.get(name);
  if (value === undefined) {
    value = getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
    cache.set(name, value);
  }
  return value;
}

/** Calls back when the theme was switched, until `signal` is aborted. */
export function onTheme(signal: AbortSignal, changed: () => void): void {
  cache.clear();
  const observer = new MutationObserver(() => {
    cache.clear();
    changed();
  });
  observer.observe(document.documentElement, { attributeFilter: ["class"] });
  signal.addEventListener("abort", () => observer.disconnect());
}
