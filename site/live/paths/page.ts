// The page "Paths": puts experiment, map, playback, charts and controls together.

import { backend } from "rmsprop-wasm";
import expected from "../expected.json";
import { onTheme } from "../parts/colours.js";
import { copyText, fillTrack, part, setText } from "../parts/dom.js";
import { LiveRegion } from "../parts/live-region.js";
import { Controls } from "./controls.js";
import { Experiment } from "./experiment.js";
import { LossChart } from "./loss-chart.js";
import { PathMap } from "./map.js";
import { Memory } from "./memory.js";
import { Playback } from "./playback.js";
import { RateChart } from "./rate-chart.js";
import { checksum } from "./run.js";
import { fromHash, type Settings, toHash } from "./settings.js";
import { Standings } from "./standings.js";
import { StartHandle } from "./start-handle.js";
import { storyWithRunsOf } from "./stories.js";
import { summary } from "./summary.js";

/** The link follows the settings so many milliseconds after the last change: browsers limit how often it may change. */
const LINK_MS = 250;
/** The sentence below the map follows a playing map this often. */
const SENTENCE_MS = 1000;

/** Brings the page below `root` to life; returns what ends it. */
export function startPaths(root: HTMLElement): () => void {
  const page = new PathsPage(root);
  return () => page.free();
}

class PathsPage {
  readonly #root: HTMLElement;
  readonly #end = new AbortController();
  readonly #experiment: Experiment;
  readonly #map: PathMap;
  readonly #playback: Playback;
  readonly #controls: Controls;
  readonly #standings: Standings;
  readonly #memory: Memory;
  readonly #lossChart: LossChart;
  readonly #rateChart: RateChart;
  readonly #handle: StartHandle;
  readonly #region: LiveRegion;
  readonly #stillness = matchMedia("(prefers-reduced-motion: reduce)");
  #linkTimer: ReturnType<typeof setTimeout> | undefined;
  #sentenceTime = 0;

  constructor(root: HTMLElement) {
    this.#root = root;
    const { signal } = this.#end;
    const playsByItself = !this.#stillness.matches;
    this.#experiment = new Experiment(fromHash(location.hash));
    this.#experiment.seek(playsByItself ? 0 : Number.POSITIVE_INFINITY);

    this.#map = new PathMap(part(root, "ground"), part(root, "paths"));
    this.#memory = new Memory(root);
    this.#lossChart = new LossChart(root);
    this.#region = new LiveRegion(part(root, "live"), signal);
    this.#playback = this.#createPlayback(signal);
    this.#rateChart = new RateChart(
      root,
      () => this.#playback.isPlaying,
      (learningRate) => this.#change({ learningRate }),
      signal,
    );
    this.#standings = new Standings(root, (id, isShown) => this.#toggle(id, isShown), signal);
    this.#controls = new Controls(
      root,
      () => this.#experiment.settings,
      { change: (changes) => this.#change(changes), begin: (settings) => this.#begin(settings) },
      signal,
    );
    this.#handle = new StartHandle(
      part(root, "start"),
      this.#map,
      () => this.#experiment.settings.start,
      (x, y) => {
        part(root, "hint").hidden = true;
        this.#change({ start: [x, y] });
      },
      signal,
    );

    this.#listen(signal);
    setText(part(root, "backend"), backendText());
    this.#map.drawGround(this.#experiment);
    this.#controls.drawSurfaces();
    this.#showSettings();
    part(root, "wait").hidden = true;
    for (const control of root.querySelectorAll<HTMLInputElement>("[disabled]")) control.disabled = false;
    root.dataset["state"] = "ready";
    if (playsByItself) this.#playback.play();
  }

  free(): void {
    this.#end.abort();
    clearTimeout(this.#linkTimer);
    this.#lossChart.free();
    this.#experiment.free();
  }

  #createPlayback(signal: AbortSignal): Playback {
    const experiment = this.#experiment;
    const player = {
      get step() {
        return experiment.step;
      },
      get last() {
        return experiment.settings.steps;
      },
      seek: (step: number) => this.#seek(step),
      changed: (isPlaying: boolean) => this.#showPlaying(isPlaying),
    };
    return new Playback(player, part(this.#root, "plot"), signal);
  }

  #listen(signal: AbortSignal): void {
    const root = this.#root;
    const on = (name: string, type: string, listener: () => void) =>
      part(root, name).addEventListener(type, listener, { signal });
    const stopAt = (step: number) => {
      this.#playback.pause();
      this.#seek(step);
      this.#say();
    };
    on("play", "click", () => (this.#playback.isPlaying ? this.#playback.pause() : this.#playback.play()));
    on("reset", "click", () => stopAt(0));
    on("next", "click", () => stopAt(this.#experiment.step + 1));
    on("scrub", "input", () => stopAt(Number(part<HTMLInputElement>(root, "scrub").value)));
    on("speed", "change", () => {
      this.#playback.speed = Number(part<HTMLSelectElement>(root, "speed").value);
    });
    on("copy", "click", () => {
      this.#writeLink();
      void copyText(part(root, "copy"), location.href, "Copy the address");
    });
    part(root, "settings").addEventListener("submit", (event) => event.preventDefault(), { signal });
    addEventListener("hashchange", () => this.#followLink(), { signal });
    onTheme(signal, () => this.#showTheme());
    const sizes = new ResizeObserver(() => this.#showSize());
    sizes.observe(part(root, "plot"));
    sizes.observe(part(root, "loss-chart"));
    signal.addEventListener("abort", () => sizes.disconnect());
  }

  #seek(step: number): void {
    this.#experiment.seek(step);
    this.#showStep();
  }

  #change(changes: Partial<Settings>): void {
    this.#experiment.change({ ...this.#experiment.settings, ...changes });
    this.#showSettings();
    this.#writeLinkLater();
  }

  /** Other settings altogether: played from the start, or shown at the end where nothing shall move. */
  #begin(settings: Settings): void {
    this.#playback.pause();
    this.#experiment.change(settings);
    this.#map.drawGround(this.#experiment);
    this.#experiment.seek(this.#stillness.matches ? settings.steps : 0);
    this.#showSettings();
    this.#writeLinkLater();
    if (!this.#stillness.matches) this.#playback.play();
  }

  #toggle(id: Settings["hidden"][number], isShown: boolean): void {
    const others = this.#experiment.settings.hidden.filter((other) => other !== id);
    this.#change({ hidden: isShown ? others : [...others, id] });
  }

  #followLink(): void {
    if (location.hash.slice(1) === toHash(this.#experiment.settings)) return;
    this.#begin(fromHash(location.hash));
  }

  #writeLinkLater(): void {
    clearTimeout(this.#linkTimer);
    this.#linkTimer = setTimeout(() => this.#writeLink(), LINK_MS);
  }

  #writeLink(): void {
    clearTimeout(this.#linkTimer);
    const hash = toHash(this.#experiment.settings);
    history.replaceState(history.state, "", hash ? `#${hash}` : location.pathname + location.search);
  }

  #showSettings(): void {
    const experiment = this.#experiment;
    this.#handle.show(experiment.settings.start);
    this.#controls.show(experiment.settings);
    this.#lossChart.draw(experiment);
    this.#rateChart.draw(experiment);
    this.#showBits();
    this.#showStep();
    this.#say();
  }

  #showStep(): void {
    const experiment = this.#experiment;
    const { step, settings } = experiment;
    this.#map.drawPaths(experiment);
    this.#standings.show(experiment);
    this.#memory.show(experiment);
    this.#lossChart.mark(step);
    const scrub = part<HTMLInputElement>(this.#root, "scrub");
    scrub.max = String(settings.steps);
    scrub.value = String(step);
    scrub.setAttribute("aria-valuetext", `step ${step} of ${settings.steps}`);
    fillTrack(scrub);
    setText(part(this.#root, "count"), `${step} / ${settings.steps}`);
    if (performance.now() - this.#sentenceTime > SENTENCE_MS) this.#showSentence();
  }

  #showSentence(): void {
    this.#sentenceTime = performance.now();
    setText(part(this.#root, "summary"), summary(this.#experiment));
  }

  #showPlaying(isPlaying: boolean): void {
    const button = part(this.#root, "play");
    button.classList.toggle("is-playing", isPlaying);
    button.setAttribute("aria-label", isPlaying ? "Pause" : "Play");
    if (!isPlaying) this.#say();
  }

  /** The path's CRC-32 and, for a story, whether it is the one that Keras' path has. */
  #showBits(): void {
    const found = checksum(this.#experiment.runOf("keras"));
    const story = storyWithRunsOf(this.#experiment.settings);
    const wanted = story && (expected.paths as Record<string, string>)[story.title];
    setText(part(this.#root, "bits"), found);
    const verdict =
      wanted === undefined ? "" : found === wanted ? "✓ the bits Keras computes" : `✗ Keras computes ${wanted}`;
    setText(part(this.#root, "bits-verdict"), verdict);
  }

  #say(): void {
    if (this.#playback?.isPlaying) return;
    this.#showSentence();
    this.#region.say(() => summary(this.#experiment));
    this.#lossChart.fillTable(this.#experiment);
  }

  #showTheme(): void {
    this.#map.drawGround(this.#experiment);
    this.#map.drawPaths(this.#experiment);
    this.#controls.drawSurfaces();
    this.#lossChart.draw(this.#experiment);
    this.#rateChart.draw(this.#experiment, true);
  }

  #showSize(): void {
    this.#map.drawGround(this.#experiment);
    this.#map.drawPaths(this.#experiment);
    this.#handle.show(this.#experiment.settings.start);
    this.#lossChart.resize();
    this.#rateChart.resize();
    this.#lossChart.mark(this.#experiment.step);
  }
}

function backendText(): string {
  return backend() === "js"
    ? "Plain JavaScript computes: WebAssembly is not allowed here. The bits are the same."
    : "WebAssembly SIMD computes.";
}
