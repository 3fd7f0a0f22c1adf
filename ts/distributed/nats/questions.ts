// Questions to a server, all with the same time limit.

import { ServerSilentError } from "../errors.js";
import { now, sleep, within } from "../host.js";
import type { NatsConnection } from "./client.js";
import { isForbidden, isTransient, textOf } from "./server-errors.js";

export class Questions {
  readonly #connection: NatsConnection;
  readonly #silence: number;
  readonly #reconnects = new Set<() => void>();

  /** @param silence milliseconds without an answer after which the server is a `ServerSilentError`. */
  constructor(connection: NatsConnection, silence: number) {
    this.#connection = connection;
    this.#silence = silence;
    this.#watch();
  }

  async #watch(): Promise<void> {
    for await (const { type } of this.#connection.status()) {
      if (type === "reconnect") for (const call of [...this.#reconnects]) call();
    }
  }

  /** Calls back after each reconnect; returns what ends that. */
  onReconnect(call: () => void): () => void {
    this.#reconnects.add(call);
    return () => this.#reconnects.delete(call);
  }

  /** Asks again and again until there is an answer. Only for requests that may arrive twice. */
  async ask<T>(question: () => Promise<T>): Promise<T> {
    const began = now();
    for (;;) {
      const left = began + this.#silence - now();
      try {
        return await this.#answer(question(), Math.max(left, 1), () => new Error("timeout"));
      } catch (error) {
        const isClosed = this.#connection.isClosed();
        if (isForbidden(error) || !(isTransient(error) || isClosed)) throw error;
        if (isClosed || left <= 0) throw this.#silent(error);
        await sleep(Math.min(100, left));
      }
    }
  }

  /** Asks once: without an answer, the request may have arrived or not. */
  async askOnce<T>(question: () => Promise<T>): Promise<T> {
    return this.#answer(question(), this.#silence, () => this.#silent("timeout"));
  }

  /** An answer, unless it is late or its connection is lost: nobody answers what a server had not answered when it died. */
  async #answer<T>(answer: Promise<T>, milliseconds: number, late: () => Error): Promise<T> {
    // An answer that comes too late has no reader.
    answer.catch(() => {});
    let cancel = () => {};
    const lost = new Promise<never>((_, reject) => {
      cancel = this.onReconnect(() => reject(new Error("disconnect")));
    });
    try {
      return await within(milliseconds, Promise.race([answer, lost]), () => {
        throw late();
      });
    } finally {
      cancel();
    }
  }

  /**
   * For a loop that starts over after an error: since when it fails.
   *
   * @param since what the last failure in a row gave.
   * @throws the error, if it is final; `ServerSilentError` if the loop has failed for too long.
   */
  failingSince(since: number | undefined, error: unknown): number {
    if (error instanceof ServerSilentError || isForbidden(error)) throw error;
    const began = since ?? now();
    if (now() - began < this.#silence) return began;
    throw this.#silent(error);
  }

  #silent(cause: unknown): ServerSilentError {
    const subject = this.#connection.isClosed() ? "The connection was closed" : "The server gave no answer";
    return new ServerSilentError(`${subject} for ${this.#silence} ms; the last question ended with: ${textOf(cause)}`, {
      cause,
    });
  }
}
