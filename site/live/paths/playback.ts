// Playing: 60 steps a second, times the speed. Stops at the end, when the page is hidden, and when it is out of sight.

const STEPS_PER_MS = 0.06;
/** A frame that took longer counts as this many milliseconds: after a pause of the browser nothing jumps. */
const LONGEST = 50;

export interface Player {
  readonly step: number;
  readonly last: number;
  seek(step: number): void;
  changed(isPlaying: boolean): void;
}

export class Playback {
  readonly #player: Player;
  #isPlaying = false;
  #position = 0;
  #before = 0;
  speed = 1;

  constructor(player: Player, stage: Element, signal: AbortSignal) {
    this.#player = player;
    document.addEventListener("visibilitychange", () => document.hidden && this.pause(), { signal });
    const watcher = new IntersectionObserver(([entry]) => {
      if (!entry!.isIntersecting) this.pause();
    });
    watcher.observe(stage);
    signal.addEventListener("abort", () => {
      watcher.disconnect();
      this.#isPlaying = false;
    });
  }

  get isPlaying(): boolean {
    return this.#isPlaying;
  }

  play(): void {
    if (this.#isPlaying) return;
    if (this.#player.step >= this.#player.last) this.#player.seek(0);
    this.#position = this.#player.step;
    this.#isPlaying = true;
    this.#before = performance.now();
    this.#player.changed(true);
    requestAnimationFrame((now) => this.#frame(now));
  }

  pause(): void {
    if (!this.#isPlaying) return;
    this.#isPlaying = false;
    this.#player.changed(false);
  }

  #frame(now: number): void {
    if (!this.#isPlaying) return;
    this.#position += Math.min(LONGEST, Math.max(0, now - this.#before)) * STEPS_PER_MS * this.speed;
    this.#before = now;
    const step = Math.floor(this.#position);
    if (step > this.#player.step) this.#player.seek(step);
    if (this.#player.step >= this.#player.last) this.pause();
    else requestAnimationFrame((next) => this.#frame(next));
  }
}
