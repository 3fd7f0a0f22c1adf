// The values that a worker computes from: the newest that the log has.

import { ConfigurationError } from "./errors.js";
import { Assembly, type Position, readFrame } from "./frame.js";
import { after, type Signal } from "./host.js";
import { Layout } from "./layout.js";
import type { Log } from "./log.js";

/** The values of a base, as a worker has them. */
export interface Values {
  readonly position: Position;
  readonly room: number;
  readonly lossScale: number;
  readonly layout: Layout;
  readonly arrays: Record<string, Float32Array<ArrayBuffer>>;
}

/** The room that values have where replicas offer no units to workers. */
export const NO_WORKERS: number = 2 ** 32 - 1;

/** The newest values that the log brought. */
export class Inbox {
  values: Values | undefined;
  readonly #waiting = new Set<() => void>();
  #failure: { readonly cause: unknown } | undefined;

  /** Reads values until it is time to stop. */
  async listen(log: Log, maximum: number, signal: Signal): Promise<void> {
    try {
      const assembly = new Assembly(4);
      for await (const bytes of log.receiveValues(signal)) {
        // Another consumer brings chunks that were seen once more.
        if (!bytes) assembly.clear();
        const frame = bytes && readFrame(bytes, maximum);
        const whole = frame?.kind === "values" ? assembly.add(frame) : undefined;
        if (whole?.room === NO_WORKERS) throw new ConfigurationError("The run's replicas have `workers: false`.");
        const layout = whole && Layout.of(whole.bytes, this.values?.layout);
        if (!layout || layout.crc !== whole.layout) continue;
        const { base: position, room, lossScale } = whole;
        this.put({ position, room, lossScale, layout, arrays: layout.values(whole.bytes) });
      }
    } catch (cause) {
      this.#failure = { cause };
    }
    this.wake();
  }

  /** Replaces the values. */
  put(values: Values): void {
    this.values = values;
    this.wake();
  }

  /** Waits until values come, at most this long. */
  async changed(milliseconds: number): Promise<void> {
    this.assertNotFailed();
    let wake = () => {};
    let cancel = () => {};
    await new Promise<void>((resolve) => {
      wake = resolve;
      this.#waiting.add(wake);
      cancel = after(milliseconds, resolve);
    });
    this.#waiting.delete(wake);
    cancel();
    this.assertNotFailed();
  }

  /** Calls back when values come; returns what ends that. */
  onChange(call: () => void): () => void {
    const again = () => {
      call();
      this.#waiting.add(again);
    };
    this.#waiting.add(again);
    return () => this.#waiting.delete(again);
  }

  assertNotFailed(): void {
    if (this.#failure) throw this.#failure.cause;
  }

  /** Lets those look who wait for a change. */
  wake(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const wake of waiting) wake();
  }
}
