// Handwritten digits, each with what the network says. A wrong one has a mark and the words, not a colour alone.

import { create, part, setText } from "../parts/dom.js";
import type { Samples } from "./messages.js";

const SIDE = 8;

export class DigitGrid {
  readonly #list: HTMLElement;
  #samples: Samples = { pixels: [], digits: [] };

  constructor(root: HTMLElement) {
    this.#list = part(root, "digits");
  }

  fill(samples: Samples): void {
    this.#samples = samples;
    this.#list.replaceChildren(
      ...samples.digits.map((digit, i) => {
        const picture = create("canvas", {
          width: SIDE,
          height: SIDE,
          role: "img",
          ariaLabel: `A handwritten ${digit}`,
        });
        draw(picture, samples.pixels[i]!);
        return create("li", {}, picture, create("span"));
      }),
    );
  }

  show(guesses: readonly number[]): void {
    for (const [i, item] of [...this.#list.children].entries()) {
      const [guess, digit] = [guesses[i]!, this.#samples.digits[i]!];
      const isWrong = guess !== digit;
      item.classList.toggle("is-wrong", isWrong);
      setText(item.children[1]!, isWrong ? `${guess}, not ${digit}` : String(guess));
    }
  }
}

/** Ink on paper in both themes: transparent where there is none. */
function draw(canvas: HTMLCanvasElement, pixels: Float32Array): void {
  const g = canvas.getContext("2d");
  if (!g) return;
  const image = g.createImageData(SIDE, SIDE);
  for (const [i, darkness] of pixels.entries()) image.data[4 * i + 3] = Math.round(255 * darkness);
  g.putImageData(image, 0, 0);
}
