// A replica: its optimizer is the fold of the log. It applies the gradients that the log has chosen.

import { load } from "../checkpoint/index.js";
import { CheckpointChain } from "./checkpoint-chain.js";
import { assertSameConfiguration, type ReplicatedOptimizer, saved } from "./configuration.js";
import { ConfigurationError } from "./errors.js";
import { Fold } from "./fold.js";
import { Assembly, type Position, positionOf, readFrame, sequenceOf } from "./frame.js";
import { newAbortController, onAbort, type Signal } from "./host.js";
import { Layout } from "./layout.js";
import { LocalWorker } from "./local-worker.js";
import type { Delivered, Log } from "./log.js";
import { Publisher, refuseWorkers } from "./publisher.js";
import { type Announcement, newest, SCHEDULE, verify } from "./rejoin.js";
import { StallTimer } from "./stall-timer.js";
import type { Compute } from "./worker.js";

/**
 * What happened to a replica. Between two events, the optimizer's state is that of the first.
 *
 * ```js
 * for await (const { type, iterations, units, stalledMs } of replicate(log, optimizer)) report(type, units);
 * ```
 */
export interface ReplicaEvent {
  /**
   * `join`: it has the log's newest checkpoint. `update`: the values have changed. `skip`: a gradient was not finite, and the loss scale
   * fell. `checkpoint`: the log has one more. `stall`: nothing that counts arrived, and units are offered again. `end`: the run is
   * over, and the log has its last checkpoint.
   */
  readonly type: "join" | "update" | "skip" | "checkpoint" | "stall" | "end";
  /** Updates so far. */
  readonly iterations: number;
  /** Units applied or skipped so far. With a file checkpoint, keep them: `create` asks for them. */
  readonly units: number;
  /** Milliseconds since the last gradient that counted before this event. */
  readonly stalledMs: number;
}

/** Options of a replica, as `replicate` has checked them. */
export interface CheckedOptions {
  readonly updates: number;
  readonly checkpointEvery: number;
  readonly span: number;
  readonly stall: number;
  readonly stallLimit: number;
  readonly compute: Compute | undefined;
  readonly patience: number;
  readonly workers: boolean;
  readonly signal: Signal | undefined;
}

/** Of attempts that never become whole, at most this many are kept, or four for each unit of a window. */
const MAXIMUM_OPEN = 64;

export class Replica {
  readonly #log: Log;
  readonly #optimizer: ReplicatedOptimizer;
  readonly #options: CheckedOptions;
  readonly #fold: Fold;
  readonly #layout: Layout;
  readonly #publisher: Publisher | undefined;
  readonly #worker: LocalWorker | undefined;
  readonly #stalls: StallTimer;
  readonly #stop = newAbortController();
  /** Events of what goes on beside the log: stalls and checkpoints. */
  readonly #queue: ReplicaEvent[] = [];
  #error: { readonly cause: unknown } | undefined;
  /** Ends the wait for a message, for an event in the queue or an error. */
  #wake = () => {};
  /** The position of the base. */
  #base: Position = "";
  /** The position of the last message read. */
  #at: Position = "";

  constructor(log: Log, optimizer: ReplicatedOptimizer, options: CheckedOptions) {
    this.#log = log;
    this.#optimizer = optimizer;
    this.#options = options;
    this.#fold = new Fold(optimizer);
    this.#layout = new Layout(optimizer.trainableVariables);
    const fail = (cause: unknown) => this.#fail(cause);
    this.#stalls = new StallTimer(options, {
      onStall: async () => {
        this.#push("stall");
        await verify(log, this.#at);
        // A replica that was slower than others' checkpoints reads on behind what they have dropped, and nothing counts.
        await verify(log, this.#base);
        this.#publisher?.publishAgain();
        this.#worker?.update();
      },
      lastError: () => this.#publisher?.lastError,
      fail,
    });
    const { compute, patience, workers } = options;
    const parts = {
      log,
      fold: this.#fold,
      layout: this.#layout,
      variables: optimizer.trainableVariables,
      base: () => this.#base,
      isOver: () => this.#isOver,
      signal: this.#stop.signal,
      fail,
    };
    if (workers) this.#publisher = new Publisher(parts);
    const idle = () => this.#stalls.elapsed;
    if (compute) this.#worker = new LocalWorker({ ...parts, compute, patience, workers, idle });
  }

  get #isOver(): boolean {
    return this.#fold.iterations >= this.#options.updates;
  }

  async *events(): AsyncGenerator<ReplicaEvent, void, void> {
    const stop = () => this.#stop.abort();
    const cancels = [onAbort(this.#options.signal, stop)];
    try {
      const last = await this.#join();
      const tellWorkers = () => (this.#publisher ? this.#publisher.publishAgain() : void refuseWorkers(this.#log));
      if (!this.#publisher) tellWorkers();
      cancels.push(this.#stalls.start(), this.#log.reconnected(tellWorkers));
      for await (const event of this.#follow(last)) {
        // The time that the loop's body takes is no stall.
        const resume = this.#stalls.pause();
        yield event;
        resume();
      }
    } finally {
      stop();
      for (const cancel of cancels) cancel();
    }
  }

  /** Loads the newest checkpoint: a new run, a restart and a log that was lost are one case. */
  async #join(): Promise<Announcement> {
    const own = saved(this.#optimizer);
    // Numbers as text vary in length; a checkpoint of this run is never twice as long.
    const last = await newest(this.#log, 2 * own.length + 65_536);
    assertSameConfiguration(last.bytes, own);
    if (last.layout !== 0 && last.layout !== this.#layout.crc) {
      throw new ConfigurationError(
        "The run's variables have other paths, shapes or gradient types than this optimizer's.",
      );
    }
    load(last.bytes, this.#optimizer);
    this.#fold.restore(last.unit);
    this.#base = last.position;
    this.#at = last.position;
    return last;
  }

  async *#follow(last: Announcement): AsyncGenerator<ReplicaEvent, void, void> {
    yield this.#event("join");
    const checkpoints = new CheckpointChain(this.#log, last, {
      signal: this.#stop.signal,
      onLinked: () => this.#push("checkpoint"),
      fail: (cause) => this.#fail(cause),
    });
    const isDue = this.#checkpointSchedule(last);
    const schedule = SCHEDULE.map((name) => this.#options[name]);
    const assembly = new Assembly(Math.max(MAXIMUM_OPEN, 4 * this.#fold.room));
    for await (const stored of this.#messages()) {
      if (stored === "event") yield* this.#queue.splice(0);
      else {
        const outcome = stored && this.#read(assembly, stored);
        const stalledMs = outcome && this.#stalls.progressed();
        const isBase = outcome && outcome !== "waiting";
        if (isBase) {
          this.#base = this.#at;
          assembly.clear();
        }
        // Before the state is looked at: workers need not wait for that. While there is more to replay, others are ahead.
        if (!stored || stored.pending === 0) {
          this.#publisher?.publish();
          this.#worker?.update();
        }
        if (isBase && outcome !== "base") yield this.#event(outcome, stalledMs);
        if (isBase && isDue()) {
          const [bytes, position] = [saved(this.#optimizer), this.#base];
          checkpoints.add({ bytes, position, schedule, unit: this.#fold.next, layout: this.#layout.crc });
        }
      }
    }
    if (!this.#isOver) return;
    // A result is given out only when the log has it.
    await checkpoints.settled();
    if (this.#error) throw this.#error.cause;
    this.#publisher?.publish();
    await this.#publisher?.settled();
    yield* this.#queue.splice(0);
    yield this.#event("end");
  }

  /** What the log brings until the run is over, or it is time to stop; `"event"` when there is something in the queue. */
  async *#messages(): AsyncGenerator<Delivered | "event" | undefined, void, void> {
    const verifyAt = () => verify(this.#log, this.#at);
    const messages = this.#log.readGradients(() => this.#at, verifyAt, this.#stop.signal);
    let next: ReturnType<typeof messages.next> | undefined;
    while (!this.#isOver) {
      const woken = new Promise<undefined>((resolve) => {
        this.#wake = () => resolve(undefined);
      });
      if (this.#error) throw this.#error.cause;
      if (this.#queue.length > 0) yield "event";
      else {
        next ??= messages.next();
        next.catch(() => {});
        const result = await Promise.race([next, woken]);
        if (!result) continue;
        next = undefined;
        if (result.done) break;
        yield result.value;
      }
    }
    if (this.#error) throw this.#error.cause;
  }

  /** What a message does to the state; `undefined` if it does not count. Check 2. */
  #read(assembly: Assembly, stored: Delivered) {
    const { gradientBytes, crc } = this.#layout;
    // Of any length: also a message that does not count was read.
    const frame = readFrame(stored.bytes, Number.MAX_SAFE_INTEGER);
    this.#at = positionOf(stored, frame) || this.#at;
    if (frame?.kind !== "gradients" || frame.base !== this.#base || frame.layout !== crc) return undefined;
    if (frame.length !== gradientBytes || !this.#fold.wants(frame.unit)) return undefined;
    const whole = assembly.add(frame);
    const gradients = whole && this.#layout.read(whole.bytes);
    if (!gradients) return undefined;
    const index = frame.unit - this.#fold.base;
    const outcome = this.#fold.accept(frame.unit, gradients);
    this.#worker?.taken(index, frame.attempt);
    return outcome;
  }

  /** Whether a checkpoint is due at this base. It follows from the log, so all replicas write, or find, the same checkpoints. */
  #checkpointSchedule(last: Announcement): () => boolean {
    const { checkpointEvery, span } = this.#options;
    let [iterations, linked] = [this.#fold.iterations, sequenceOf(last.position)];
    return () => {
      const isNew = this.#fold.iterations !== iterations;
      iterations = this.#fold.iterations;
      const sequence = sequenceOf(this.#base);
      const isDue = isNew && (iterations % checkpointEvery === 0 || this.#isOver);
      if (!isDue && sequence - linked < span) return false;
      linked = sequence;
      return true;
    };
  }

  #event(type: ReplicaEvent["type"], stalledMs: number = this.#stalls.elapsed): ReplicaEvent {
    return { type, iterations: this.#fold.iterations, units: this.#fold.next, stalledMs };
  }

  #push(type: ReplicaEvent["type"]): void {
    this.#queue.push(this.#event(type));
    this.#wake();
  }

  #fail(cause: unknown): void {
    this.#error ??= { cause };
    this.#wake();
  }
}
