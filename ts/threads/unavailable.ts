// `rmsprop-wasm/threads` on hosts without threads: Cloudflare Workers and edge functions start no workers and compile no bytes.
// It must not be the entry itself there, whose runtimes are of other classes than those hosts' `rmsprop-wasm`.

import { BackendUnavailableError } from "../support/errors.js";
import type { ThreadedRuntimeOptions } from "./index.js";

export type { ThreadedRuntime, ThreadedRuntimeOptions } from "./index.js";

/**
 * Rejects: this host has no threads.
 *
 * @throws {BackendUnavailableError} always.
 */
export function createThreadedRuntime(_options: ThreadedRuntimeOptions): Promise<never> {
  return Promise.reject(
    new BackendUnavailableError(
      "rmsprop-wasm/threads needs workers, and this host has none: use createRuntime() of rmsprop-wasm instead.",
    ),
  );
}
