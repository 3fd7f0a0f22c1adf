// The newest values, which a worker computes from: the log has brought them, or they are the replica's own.

import type { Position } from "./frame.js";
import { after } from "./host.js";
import type { Layout } from "./layout.js";

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

export class Inbox {
  values: Values | undefined;
  readonly #waiting = new Set<() => void>();
  #failure: { readonly cause: unknown } | undefined;

  /** Replaces the values. */
  put(values: Values): void {
    this.values = values;
    this.wake();
  }

  /** Ends all that wait, now or later, with this error. */
  fail(cause: unknown): void {
    this.#failure = { cause };
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
