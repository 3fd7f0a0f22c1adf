// One polite live region: told after the last change, never per frame.

export class LiveRegion {
  readonly #element: HTMLElement;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(element: HTMLElement, signal: AbortSignal) {
    this.#element = element;
    signal.addEventListener("abort", () => clearTimeout(this.#timer));
  }

  say(text: () => string): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#element.textContent = text();
    }, 300);
  }
}
