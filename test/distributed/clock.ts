// A clock of the tests' own: timers fire one after the other as soon as nothing else can happen, so what a test sees of stalls
// and patience follows from its program and not from how busy the machine is.
import { createHash } from "node:crypto";
import { afterEach, beforeEach, vi } from "vitest";

/** For all tests of the block: a log in memory has no other source of time. */
export function useOwnClock(): void {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
    vi.setTimerTickMode("nextTimerAsync");
    // The host hashes in another thread, in a time of which this clock knows nothing.
    vi.spyOn(crypto.subtle, "digest").mockImplementation(async (_, bytes) => {
      const hash = createHash("sha256").update(bytes as Uint8Array);
      return new Uint8Array(hash.digest()).buffer;
    });
  });
  afterEach(() => {
    vi.restoreAllMocks();
    vi.useRealTimers();
  });
}
