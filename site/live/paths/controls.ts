// The settings: stories, surfaces, sliders with fields for exact numbers, switches.

import { fillTrack, part, setText } from "../parts/dom.js";
import { drawGround } from "./ground.js";
import { defaults, isAllowed, type NumberName, numberNames, ranges, type Settings, settingsWith } from "./settings.js";
import { fromText, POSITIONS, toPosition, toText, toValue } from "./sliders.js";
import { stories, storyOf } from "./stories.js";
import { type SurfaceId, surfaceIds, surfaces } from "./surfaces.js";

/** One press of an arrow key: 2 % of the way. */
const KEY_STEP = POSITIONS / 50;
const KEY_DIRECTION: Record<string, number> = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1 };

export interface ControlActions {
  /** Changes some settings and stays where it is. */
  change(changes: Partial<Settings>): void;
  /** Other settings altogether, from the start. */
  begin(settings: Settings): void;
}

export class Controls {
  readonly #root: HTMLElement;

  constructor(root: HTMLElement, current: () => Settings, actions: ControlActions, signal: AbortSignal) {
    this.#root = root;
    for (const [i, story] of stories.entries()) {
      this.#story(i).addEventListener("click", () => actions.begin(story.settings), { signal });
    }
    for (const id of surfaceIds) {
      const start = [...surfaces[id].start] as [number, number];
      const begin = () => actions.begin({ ...current(), surface: id, start });
      this.#surface(id).addEventListener("change", begin, { signal });
    }
    for (const name of numberNames) this.#listenToNumber(name, actions, signal);
    for (const name of ["centered", "cosine"] as const) {
      const box = part<HTMLInputElement>(root, name);
      box.addEventListener("change", () => actions.change({ [name]: box.checked }), { signal });
    }
  }

  show(settings: Settings): void {
    const story = storyOf(settings);
    for (const [i, each] of stories.entries()) {
      const button = this.#story(i);
      button.setAttribute("aria-pressed", String(each === story));
      if (each === story) scrollIntoRow(button);
    }
    setText(part(this.#root, "story"), story?.text ?? "Your own settings. The address of this page holds them.");
    for (const id of surfaceIds) this.#surface(id).checked = id === settings.surface;
    for (const name of numberNames) this.#showNumber(name, settings);
    for (const name of ["centered", "cosine"] as const) {
      const box = part<HTMLInputElement>(this.#root, name);
      box.checked = settings[name];
      box.parentElement!.classList.toggle("is-changed", settings[name] !== defaults[name]);
    }
  }

  /** The pictures of the surfaces, in the theme's colours. */
  drawSurfaces(): void {
    for (const id of surfaceIds) drawGround(part<HTMLCanvasElement>(this.#root, `picture-${id}`), surfaces[id], 60, 9);
  }

  #story(i: number): HTMLButtonElement {
    return part(this.#root, `story-${i}`);
  }

  #surface(id: SurfaceId): HTMLInputElement {
    return part(this.#root, `surface-${id}`);
  }

  #listenToNumber(name: NumberName, { change }: ControlActions, signal: AbortSignal): void {
    const range = part<HTMLInputElement>(this.#root, `range-${name}`);
    const field = part<HTMLInputElement>(this.#root, `field-${name}`);
    const error = part(this.#root, `error-${name}`);
    range.addEventListener("input", () => change({ [name]: toValue(name, Number(range.value)) }), { signal });
    range.addEventListener(
      "keydown",
      (event) => {
        const direction = KEY_DIRECTION[event.key];
        if (!direction) return;
        event.preventDefault();
        range.value = String(Number(range.value) + direction * KEY_STEP);
        change({ [name]: toValue(name, Number(range.value)) });
      },
      { signal },
    );
    field.addEventListener(
      "change",
      () => {
        const value = fromText(field.value);
        const isGood = isAllowed(name, value);
        field.setAttribute("aria-invalid", String(!isGood));
        const { least, most, canBeOff } = ranges[name];
        setText(error, isGood ? "" : `${least} to ${most}${canBeOff ? ", or off" : ""}`);
        if (isGood) change({ [name]: value });
      },
      { signal },
    );
  }

  #showNumber(name: NumberName, settings: Settings): void {
    const value = settings[name];
    const range = part<HTMLInputElement>(this.#root, `range-${name}`);
    const field = part<HTMLInputElement>(this.#root, `field-${name}`);
    // While it is dragged it stays where the hand is.
    if (toValue(name, Number(range.value)) !== value) range.value = String(toPosition(name, value));
    range.setAttribute("aria-valuetext", toText(name, value));
    fillTrack(range);
    field.value = toText(name, value);
    field.removeAttribute("aria-invalid");
    setText(part(this.#root, `error-${name}`), "");
    range.parentElement!.classList.toggle("is-changed", value !== settingsWith({})[name]);
  }
}

/** Brings a chip into its row, without moving the page. */
function scrollIntoRow(button: HTMLElement): void {
  const row = button.parentElement!;
  row.scrollLeft = button.offsetLeft - row.offsetLeft - (row.clientWidth - button.offsetWidth) / 2;
}
