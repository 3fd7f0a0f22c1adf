// The ring at the start: dragged, or moved by arrow keys (with Shift: finer).

import { short } from "../parts/format.js";
import type { PathMap } from "./map.js";

const KEYS: Record<string, readonly [across: number, down: number]> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};
const STEP = 0.02;
const FINE = 0.002;

export class StartHandle {
  readonly #button: HTMLButtonElement;
  readonly #map: PathMap;

  constructor(
    button: HTMLButtonElement,
    map: PathMap,
    current: () => readonly [number, number],
    moved: (x: number, y: number) => void,
    signal: AbortSignal,
  ) {
    this.#button = button;
    this.#map = map;
    const move = (across: number, down: number) => {
      const [x, y] = map.pointAt(clamp(across), clamp(down));
      moved(Number(x.toPrecision(4)), Number(y.toPrecision(4)));
    };
    button.addEventListener("pointerdown", (event) => button.setPointerCapture(event.pointerId), { signal });
    button.addEventListener(
      "pointermove",
      (event) => {
        if (!button.hasPointerCapture(event.pointerId)) return;
        const box = button.parentElement!.getBoundingClientRect();
        move((event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height);
      },
      { signal },
    );
    button.addEventListener(
      "keydown",
      (event) => {
        const key = KEYS[event.key];
        if (!key) return;
        event.preventDefault();
        const by = event.shiftKey ? FINE : STEP;
        const [across, down] = map.shareOf(...current());
        move(across + key[0] * by, down + key[1] * by);
      },
      { signal },
    );
  }

  show([x, y]: readonly [number, number]): void {
    const [across, down] = this.#map.shareOf(x, y);
    this.#button.style.left = `${100 * clamp(across)}%`;
    this.#button.style.top = `${100 * clamp(down)}%`;
    this.#button.setAttribute("aria-label", `Start at (${short(x)}, ${short(y)}). Arrow keys move it.`);
  }
}

const clamp = (share: number) => Math.max(0.01, Math.min(0.99, share));
