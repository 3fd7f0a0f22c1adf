// The optimizer's arrays, as float32 and as bits: read where the package keeps them, at every step.

import { create, part, setText } from "../parts/dom.js";
import { float32, hex, short } from "../parts/format.js";
import type { Experiment } from "./experiment.js";

export class Memory {
  readonly #body: HTMLTableSectionElement;
  readonly #counters: HTMLElement;

  constructor(root: HTMLElement) {
    this.#body = part<HTMLTableElement>(root, "memory").tBodies[0]!;
    this.#counters = part(root, "counters");
  }

  show({ live, surface }: Experiment): void {
    const arrays = live.arrays();
    if (this.#body.rows.length !== arrays.length) this.#body.replaceChildren(...arrays.map(createRow));
    for (const [i, [name, values]] of arrays.entries()) {
      const { cells } = this.#body.rows[i]!;
      const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
      setText(cells[0]!, name);
      for (const k of [0, 1]) {
        const [number, hexadecimal] = cells[k + 1]!.children;
        setText(number!, float32(values[k]!));
        setText(hexadecimal!, hex(bits[k]!));
      }
    }
    const [gx, gy] = live.arrays()[1]![1];
    const loss = surface.loss(live.weights[0]!, live.weights[1]!);
    const norm = short(Math.hypot(gx!, gy!));
    setText(
      this.#counters,
      `step ${live.iterations} · loss ${short(loss)} · rate ${short(live.learningRate)} · gradient’s norm ${norm}`,
    );
  }
}

function createRow(): HTMLTableRowElement {
  const cell = () => create("td", {}, create("span"), create("small"));
  return create("tr", {}, create("th", { scope: "row" }), cell(), cell());
}
