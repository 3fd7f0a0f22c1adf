// The values that the log brings, for a worker that is no replica.

import { ConfigurationError } from "./errors.js";
import { Assembly, readFrame } from "./frame.js";
import type { Signal } from "./host.js";
import { type Inbox, NO_WORKERS } from "./inbox.js";
import { layoutOf } from "./layout.js";
import type { Log } from "./log.js";

/** Puts values of at most `maximum` bytes into the inbox until it is time to stop. */
export async function listen(inbox: Inbox, log: Log, maximum: number, signal: Signal): Promise<void> {
  try {
    const assembly = new Assembly(4);
    for await (const bytes of log.receiveValues(signal)) {
      // Another consumer brings chunks that were seen once more.
      if (!bytes) assembly.clear();
      const frame = bytes && readFrame(bytes, maximum);
      const whole = frame?.kind === "values" ? assembly.add(frame) : undefined;
      if (whole?.room === NO_WORKERS) throw new ConfigurationError("The run's replicas have `workers: false`.");
      const layout = whole && layoutOf(whole.bytes, inbox.values?.layout);
      if (!layout || layout.crc !== whole.layout) continue;
      const { base: position, room, lossScale } = whole;
      inbox.put({ position, room, lossScale, layout, arrays: layout.values(whole.bytes) });
    }
  } catch (cause) {
    inbox.fail(cause);
  }
}
