// The page "Digits": shows what the worker learns, and lets it pause, save, forget and go on.

import dataUrl from "../../../examples/digits/digits.csv.gz?url";
import expected from "../expected.json";
import { onTheme } from "../parts/colours.js";
import { copyText, part, setText } from "../parts/dom.js";
import { percent, whole } from "../parts/format.js";
import { LiveRegion } from "../parts/live-region.js";
import { Curve } from "./curve.js";
import { DigitGrid } from "./grid.js";
import type { EpochReport, FromWorker, ToWorker } from "./messages.js";

type State = "loading" | "new" | "training" | "paused" | "done" | "failed";
const runWords: Record<State, string> = {
  loading: "Start",
  new: "Start",
  training: "Pause",
  paused: "Go on",
  done: "Start anew",
  failed: "Start",
};

type Ready = Extract<FromWorker, { kind: "ready" }>;
type Done = Extract<FromWorker, { kind: "done" }>;

/** Brings the page below `root` to life; returns what ends it. */
export function startDigits(root: HTMLElement): () => void {
  const page = new DigitsPage(root);
  return () => page.free();
}

class DigitsPage {
  readonly #root: HTMLElement;
  readonly #end = new AbortController();
  readonly #region: LiveRegion;
  readonly #grid: DigitGrid;
  #worker!: Worker;
  #curves: Curve[] = [];
  #reports: EpochReport[] = [];
  #ready: Ready | undefined;
  #done: Done | undefined;
  #isTraining = false;
  /** Whether to train as soon as the last run is forgotten. */
  #goesOn = false;
  /** Time spent in the epochs of this visit, and how many those are. */
  #time = 0;
  #timed = 0;

  constructor(root: HTMLElement) {
    this.#root = root;
    const { signal } = this.#end;
    this.#region = new LiveRegion(part(root, "live"), signal);
    this.#grid = new DigitGrid(root);
    this.#listen(signal);
    void this.#open();
  }

  free(): void {
    this.#end.abort();
    this.#worker?.terminate();
    for (const curve of this.#curves) curve.free();
  }

  async #open(): Promise<void> {
    this.#setState("loading", "Fetching the digits …");
    try {
      const response = await fetch(dataUrl, { signal: this.#end.signal });
      if (!response.ok) throw new Error(`${dataUrl}: ${response.status}`);
      const data = await response.arrayBuffer();
      this.#worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
      this.#worker.onmessage = ({ data: message }: MessageEvent<FromWorker>) => this.#hear(message);
      this.#worker.onerror = (event) => this.#fail(event.message || "the worker ended");
      this.#tell({ kind: "open", data });
    } catch (error) {
      if (!this.#end.signal.aborted) this.#fail(String(error));
    }
  }

  #tell(message: ToWorker): void {
    this.#worker.postMessage(message);
  }

  #listen(signal: AbortSignal): void {
    const on = (name: string, type: string, listener: () => void) =>
      part(this.#root, name).addEventListener(type, listener, { signal });
    on("run", "click", () => {
      if (this.#isTraining) return this.#tell({ kind: "pause" });
      if (!this.#done) return this.#go();
      this.#tell({ kind: "forget" });
      this.#goesOn = true;
    });
    on("pace", "change", () => this.#isTraining && this.#go());
    on("save", "click", () => this.#tell({ kind: "save" }));
    on("forget", "click", () => this.#tell({ kind: "forget" }));
    on("export", "click", () => this.#tell({ kind: "export" }));
    on("copy", "click", () => void copyText(part(this.#root, "copy"), this.#report(), "Copy failed"));
    onTheme(signal, () => {
      for (const curve of this.#curves) curve.create();
    });
    const sizes = new ResizeObserver(() => {
      for (const curve of this.#curves) curve.resize();
    });
    sizes.observe(part(this.#root, "loss-chart"));
    signal.addEventListener("abort", () => sizes.disconnect());
  }

  #go(): void {
    const text = part<HTMLSelectElement>(this.#root, "pace").value;
    this.#isTraining = true;
    this.#setState("training", "Training");
    this.#tell({ kind: "go", epochsPerSecond: text === "fast" ? Number.POSITIVE_INFINITY : Number(text) });
  }

  #hear(message: FromWorker): void {
    switch (message.kind) {
      case "ready":
        this.#showReady(message);
        break;
      case "epoch":
        this.#reports.push(message.report);
        this.#time += message.time;
        this.#timed++;
        this.#showProgress();
        this.#grid.show(message.guesses);
        break;
      case "saved":
        this.#showSaved(message.at, message.epoch);
        break;
      case "not saved":
        setText(part(this.#root, "saved"), `Not saved: ${message.reason}`);
        break;
      case "paused":
        this.#isTraining = false;
        this.#setState("paused", `Paused at step ${whole(this.#step)}`);
        this.#fillTables();
        break;
      case "done":
        this.#showDone(message);
        break;
      case "forgotten":
        this.#showForgotten();
        if (this.#goesOn) this.#go();
        this.#goesOn = false;
        break;
      case "file":
        download(message.bytes, "digits.safetensors");
        break;
      case "failed":
        this.#fail(message.reason);
        break;
    }
  }

  get #step(): number {
    return this.#reports.length * (this.#ready?.stepsPerEpoch ?? 0);
  }

  #showReady(message: Ready): void {
    this.#ready = message;
    this.#reports = [...message.history];
    const { epochs } = message;
    this.#curves = [
      new Curve(this.#root, epochs, {
        name: "loss",
        title: "Loss",
        range: [1e-3, 10],
        isLogarithmic: true,
        colour: "accent",
        format: (value) => value.toFixed(4),
      }),
      new Curve(this.#root, epochs, {
        name: "accuracy",
        title: "Accuracy",
        range: [0, 1],
        isLogarithmic: false,
        colour: "torch",
        format: (value) => `${Math.round(100 * value)} %`,
      }),
    ];
    this.#grid.fill(message.samples);
    if (this.#reports.length > 0) this.#grid.show(message.guesses);
    setText(part(this.#root, "where"), `${backendName(message.backend)} computes. Saved in ${message.storage}.`);
    this.#showProgress();
    const isNew = this.#reports.length === 0;
    this.#setState(isNew ? "new" : "paused", isNew ? "Press Start" : `Paused at step ${whole(this.#step)}`);
    if (message.savedAt) this.#showSaved(message.savedAt, this.#reports.length);
    this.#fillTables();
  }

  #showProgress(): void {
    const { epochs, stepsPerEpoch } = this.#ready!;
    const last = this.#reports.at(-1);
    const progress = part<HTMLProgressElement>(this.#root, "progress");
    progress.max = epochs;
    progress.value = this.#reports.length;
    setText(
      part(this.#root, "epoch"),
      `epoch ${this.#reports.length} of ${epochs}, step ${whole(this.#step)} of ${whole(epochs * stepsPerEpoch)}`,
    );
    setText(part(this.#root, "accuracy"), last ? percent(last.accuracy) : "–");
    setText(part(this.#root, "loss"), last ? last.loss.toFixed(4) : "–");
    setText(part(this.#root, "speed"), this.#time ? whole((1000 * this.#timed * stepsPerEpoch) / this.#time) : "–");
    const [loss, accuracy] = this.#curves;
    loss!.show(this.#reports.map((report) => report.loss));
    accuracy!.show(this.#reports.map((report) => report.accuracy));
  }

  #showSaved(at: number, epoch: number): void {
    const time = new Date(at).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit" });
    const step = whole(epoch * this.#ready!.stepsPerEpoch);
    setText(part(this.#root, "saved"), `Step ${step} saved at ${time}. Reload the page: it goes on from there.`);
  }

  #showDone(message: Done): void {
    this.#isTraining = false;
    this.#done = message;
    this.#grid.show(message.guesses);
    setText(part(this.#root, "accuracy"), percent(message.correct / message.tested));
    const isRight = message.checksum === expected.digits;
    setText(part(this.#root, "checksum"), message.checksum);
    setText(
      part(this.#root, "verdict"),
      isRight ? "✓ what every engine computes" : `✗ every other engine computes ${expected.digits}: please report it`,
    );
    part(this.#root, "result").hidden = false;
    const inTime = this.#timed === this.#ready!.epochs ? ` in ${(this.#time / 1000).toFixed(2)} s of computing` : "";
    this.#setState(
      "done",
      `Done: ${message.correct} of ${message.tested} digits it had never seen, after ${whole(this.#step)} steps${inTime}`,
    );
    this.#fillTables();
  }

  #showForgotten(): void {
    this.#reports = [];
    this.#done = undefined;
    this.#isTraining = false;
    [this.#time, this.#timed] = [0, 0];
    part(this.#root, "result").hidden = true;
    this.#grid.fill(this.#ready!.samples);
    setText(part(this.#root, "saved"), "Forgotten: nothing is saved.");
    this.#showProgress();
    this.#setState("new", "Press Start");
    this.#fillTables();
  }

  #setState(state: State, words: string): void {
    this.#root.dataset["state"] = state;
    setText(part(this.#root, "state"), words);
    const run = part<HTMLButtonElement>(this.#root, "run");
    setText(run, runWords[state]);
    run.disabled = state === "loading" || state === "failed";
    for (const name of ["save", "forget", "export"]) {
      part<HTMLButtonElement>(this.#root, name).disabled = state === "loading" || state === "new" || state === "failed";
    }
    this.#region.say(() => words);
  }

  #fail(reason: string): void {
    this.#isTraining = false;
    this.#setState("failed", `It could not go on: ${reason}. Reload the page: it goes on from what was saved last.`);
  }

  #fillTables(): void {
    for (const curve of this.#curves) curve.fillTable();
  }

  /** What helps whoever looks into a wrong checksum. */
  #report(): string {
    const { checksum, correct, tested } = this.#done!;
    return [
      `digits: CRC-32 ${checksum}, expected ${expected.digits}; ${correct} of ${tested}`,
      `backend ${this.#ready!.backend}; ${navigator.userAgent}`,
    ].join("\n");
  }
}

const backendName = (backend: string) => (backend === "js" ? "Plain JavaScript" : "WebAssembly SIMD");

function download(bytes: Uint8Array<ArrayBuffer>, name: string): void {
  const address = URL.createObjectURL(new Blob([bytes], { type: "application/octet-stream" }));
  Object.assign(document.createElement("a"), { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
