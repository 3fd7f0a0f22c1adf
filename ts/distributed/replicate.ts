// A replica: the optimizer is the fold of the log. It applies what the log has chosen, and says what workers need next.

import { load, save } from "../checkpoint/index.js";
import { checkedObject, integer } from "../support/checks.js";
import { notBuilt } from "../support/errors.js";
import { message } from "../support/messages.js";
import { assertSameConfiguration, assertSameEverywhere, unnamed } from "./configuration.js";
import {
  ConfigurationError,
  LogChangedError,
  LogFullError,
  ServerSilentError,
  StalledError,
  StateDiffersError,
} from "./errors.js";
import { Fold, type FoldedOptimizer, type ReplicatedVariable } from "./fold.js";
import { Assembly, Draft, type Place, placeOf, readFrame, sequenceOf } from "./frame.js";
import { after, newAbortController, randomId, type Signal, sleep } from "./host.js";
import { Layout } from "./layout.js";
import { Log } from "./log.js";
import { type Announcement, link, newest, verify } from "./rejoin.js";

/** An optimizer that can be replicated: `RMSprop` and `LossScaleOptimizer`, of any entry of the package. */
export type ReplicatedOptimizer = FoldedOptimizer & {
  /** Names it in messages. */
  readonly name: string;
  /** Whether it has state. */
  readonly built: boolean;
  /** The variables it trains. */
  readonly trainableVariables: readonly ReplicatedVariable[];
  /** Its counters, rates and slots. */
  readonly variables: Parameters<typeof save>[0]["variables"];
  /** Its configuration. */
  getConfig(): object;
  /** Puts back the values of `variables`. */
  setWeights(weights: readonly (ArrayLike<number> | number)[]): void;
};

/** Options of `replicate`. */
export interface ReplicateOptions {
  /** After so many updates the run is over. Default: it never is. */
  readonly updates?: number | undefined;
  /** A checkpoint in the log every so many updates. Equal in all replicas. Default 100. */
  readonly checkpointEvery?: number | undefined;
  /** And a checkpoint whenever the last is so many messages behind, which bounds the log. Equal in all replicas. Default 2048. */
  readonly span?: number | undefined;
  /** Milliseconds without a gradient that counts, after which units are offered again. Default 5000. */
  readonly stall?: number | undefined;
  /** After so many stalls in a row, `StalledError`. Default 12. */
  readonly stallLimit?: number | undefined;
  /** Says that a learning rate that is a function, or a schedule of one's own, gives the same float32 numbers everywhere. */
  readonly sameEverywhere?: boolean | undefined;
  /** Ends the replica. */
  readonly signal?: Signal | undefined;
}

/** What happened to a replica. Between two events, the optimizer's state is that of the first. */
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

const KNOWN = ["updates", "checkpointEvery", "span", "stall", "stallLimit", "sameEverywhere", "signal"] as const;

/** Attempts to write a checkpoint into a log that is full: others' purges can make room. */
const FULL_LIMIT = 12;
/** Attempts to write one whatever else the server says. */
const TRIES = 30;
/** Of records that never become whole, at most so many are kept, or four for each unit of a window. */
const MAXIMUM_OPEN = 64;

/**
 * Follows a run: makes the optimizer's state that of the log, and keeps it so. An empty log is an error: `create` begins a run.
 *
 * The optimizer must be built, and belong to the replica until the loop ends. The loop's body sees the state exactly after the
 * update that it is told of; while it runs, the replica waits.
 *
 * ```ts
 * import { RMSprop, Variable } from "rmsprop-wasm";
 * import { save } from "rmsprop-wasm/checkpoint";
 * import { memoryLog, replicate, work } from "rmsprop-wasm/distributed";
 *
 * const kernel = new Variable([10, -10], { path: "dense/kernel" });
 * const optimizer = new RMSprop({ learningRate: 0.1, gradientAccumulationSteps: 2 });
 * optimizer.build([kernel]);
 * const log = memoryLog();
 * await log.create(save(optimizer), { unit: 0 });
 * const worker = work(log, ({ values, gradients }) => gradients["dense/kernel"]?.set(values["dense/kernel"] ?? []));
 * for await (const { type } of replicate(log, optimizer, { updates: 3 })) void type;
 * await worker;
 * kernel.value[0]; // 9.270531
 * ```
 *
 * @throws {TypeError | RangeError} for arguments that are not as documented, or a learning rate that may differ elsewhere.
 * @throws {StateError} if the optimizer is not built.
 * @throws {NoRunError | NoCheckpointError | ConfigurationError} from the loop, where there is nothing to join.
 * @throws {LogChangedError | StateDiffersError | StalledError | LogFullError | ServerSilentError} from the loop, where it cannot go on.
 */
export function replicate(
  log: Log,
  optimizer: ReplicatedOptimizer,
  options: ReplicateOptions = {},
): AsyncGenerator<ReplicaEvent, void, void> {
  if (!(log instanceof Log)) throw new TypeError(message("log", "made by `natsLog` or `memoryLog`", log));
  if (typeof optimizer?.getConfig !== "function") {
    throw new TypeError(message("optimizer", "an RMSprop or a LossScaleOptimizer", optimizer));
  }
  if (!optimizer.built) throw notBuilt(optimizer.name);
  const given = checkedObject("options", options, KNOWN) as ReplicateOptions;
  const count = (name: keyof ReplicateOptions, otherwise: number) =>
    given[name] === undefined ? otherwise : integer(name, given[name], 1, Number.MAX_SAFE_INTEGER);
  const checked = {
    updates: given.updates === undefined ? Number.POSITIVE_INFINITY : integer("updates", given.updates, 0, 2 ** 31 - 1),
    checkpointEvery: count("checkpointEvery", 100),
    span: count("span", 2048),
    stall: count("stall", 5000),
    stallLimit: count("stallLimit", 12),
    signal: given.signal,
  };
  if (given.sameEverywhere !== true) assertSameEverywhere(optimizer.getConfig());
  return new Replica(log, optimizer, checked).events();
}

interface Checked {
  readonly updates: number;
  readonly checkpointEvery: number;
  readonly span: number;
  readonly stall: number;
  readonly stallLimit: number;
  readonly signal: Signal | undefined;
}

/** Errors that end a replica wherever they come from; of others, it tries again, a limited number of times. */
const isFinal = (error: unknown) =>
  error instanceof LogChangedError || error instanceof StateDiffersError || error instanceof ServerSilentError;

class Replica {
  readonly #log: Log;
  readonly #optimizer: ReplicatedOptimizer;
  readonly #options: Checked;
  readonly #fold: Fold;
  readonly #layout: Layout;
  readonly #stop = newAbortController();
  readonly #queue: ReplicaEvent[] = [];
  /** What ends the wait for a message: something in the queue, or an error. */
  #wake = () => {};
  #error: { readonly cause: unknown } | undefined;

  /** The place of the base. */
  #place: Place = "";
  /** The place of the last message read. */
  #at: Place = "";
  /** The checkpoints that this replica knows to be its own, one after the other. */
  #links: Promise<Announcement> | undefined;
  #saying: Promise<void> = Promise.resolve();
  #saidAt: Place = "";
  #progress = Date.now();
  #stalls = 0;
  #isPaused = false;

  constructor(log: Log, optimizer: ReplicatedOptimizer, options: Checked) {
    this.#log = log;
    this.#optimizer = optimizer;
    this.#options = options;
    this.#fold = new Fold(optimizer);
    this.#layout = new Layout(optimizer.trainableVariables);
  }

  async *events(): AsyncGenerator<ReplicaEvent, void, void> {
    const { signal } = this.#options;
    const stop = () => this.#stop.abort();
    signal?.addEventListener("abort", stop);
    if (signal?.aborted) stop();
    const cancels = [() => signal?.removeEventListener("abort", stop)];
    try {
      const last = await this.#join();
      cancels.push(
        this.#watch(),
        this.#log.reconnected(() => this.#sayAgain()),
      );
      for await (const event of this.#follow(last)) {
        // Time that the loop's body takes is no stall.
        const handedOut = Date.now();
        this.#isPaused = true;
        yield event;
        this.#isPaused = false;
        this.#progress += Date.now() - handedOut;
      }
    } finally {
      stop();
      for (const cancel of cancels) cancel();
    }
  }

  /** Creating, restarting and a log that was lost are one path: the newest checkpoint, and what follows it. */
  async #join(): Promise<Announcement> {
    const own = this.#save();
    // Numbers as text are longer or shorter; a checkpoint of this run is never twice as long.
    const last = await newest(this.#log, 2 * own.length + 65_536);
    assertSameConfiguration(last.bytes, own);
    if (last.layout !== 0 && last.layout !== this.#layout.crc) {
      throw new ConfigurationError(
        "The run's variables have other paths, shapes or gradient types than this optimizer's.",
      );
    }
    load(last.bytes, this.#optimizer);
    this.#fold.restore(last.unit);
    this.#place = last.place;
    this.#at = last.place;
    return last;
  }

  async *#follow(last: Announcement): AsyncGenerator<ReplicaEvent, void, void> {
    const { updates, checkpointEvery, span } = this.#options;
    const fold = this.#fold;
    yield this.#event("join");
    this.#links = Promise.resolve(last);
    const assembly = new Assembly(Math.max(MAXIMUM_OPEN, 4 * fold.room));
    let [iterations, linked, isDue] = [fold.iterations, sequenceOf(last.place), false];
    const verifyAt = () => verify(this.#log, this.#at);
    const messages = this.#log.read(() => this.#at, verifyAt, this.#stop.signal);
    let next = messages.next();
    next.catch(() => {});
    while (fold.iterations < updates) {
      yield* this.#queue.splice(0);
      const woken = new Promise<undefined>((resolve) => {
        this.#wake = () => resolve(undefined);
      });
      if (this.#error) throw this.#error.cause;
      if (this.#queue.length > 0) continue;
      const result = await Promise.race([next, woken]);
      if (!result) continue;
      if (result.done) {
        if (this.#error) throw (this.#error as { readonly cause: unknown }).cause;
        return;
      }
      const stored = result.value;
      if (!stored) this.#say();
      else {
        // Also of what does not count: it is what was read.
        this.#at = placeOf(stored) || this.#at;
        const outcome = this.#take(assembly, stored.bytes);
        if (outcome !== undefined) {
          const stalledMs = this.#progressed();
          if (outcome !== "waiting") {
            this.#place = this.#at;
            assembly.clear();
            if (outcome !== "base") yield this.#event(outcome, stalledMs);
            if (fold.iterations !== iterations) {
              iterations = fold.iterations;
              isDue ||= iterations % checkpointEvery === 0 || iterations >= updates;
            }
            // Both follow from the log, so all replicas write, or find, the same checkpoints.
            if (isDue || sequenceOf(this.#place) - linked >= span) {
              isDue = false;
              linked = sequenceOf(this.#place);
              this.#checkpoint();
            }
          }
        }
        if (stored.pending === 0) this.#say();
      }
      next = messages.next();
      next.catch(() => {});
    }
    // A result is given out only when the log has it.
    await this.#untilLinked();
    this.#say();
    await this.#saying;
    yield* this.#queue.splice(0);
    yield this.#event("end");
  }

  /** What a message does to the state; `undefined` if it does not count. Check 2. */
  #take(assembly: Assembly, bytes: Uint8Array) {
    const frame = readFrame(bytes, this.#layout.gradientBytes);
    if (frame?.kind !== "gradients" || frame.base !== this.#place || frame.layout !== this.#layout.crc)
      return undefined;
    if (frame.length !== this.#layout.gradientBytes || !this.#fold.wants(frame.unit)) return undefined;
    const whole = assembly.add(frame);
    const gradients = whole && this.#layout.read(whole.bytes);
    return gradients && this.#fold.accept(frame.unit, gradients);
  }

  #event(type: ReplicaEvent["type"], stalledMs: number = Date.now() - this.#progress): ReplicaEvent {
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

  #progressed(): number {
    const stalledMs = Date.now() - this.#progress;
    this.#progress = Date.now();
    this.#stalls = 0;
    return stalledMs;
  }

  /** Says what workers need, once for each base; nobody says anything while replaying. */
  #say(attempt = ""): void {
    if (this.#stop.signal.aborted || (attempt === "" && this.#saidAt === this.#place)) return;
    const place = this.#place;
    this.#saidAt = place;
    const isOver = this.#fold.iterations >= this.#options.updates;
    const missing = isOver ? [] : this.#fold.missing();
    const { crc: layout, valueBytes } = this.#layout;
    const { base: unit, room, lossScale } = this.#fold;
    // All replicas say the same under the same name, so the server drops copies and chunks of two writers mix.
    const values = new Draft(valueBytes, {
      kind: "values",
      attempt: attempt || attemptOf(place, isOver),
      base: place,
      unit,
      room: isOver ? 0 : room,
      lossScale,
      layout,
    });
    this.#layout.writeValues(values.data, this.#optimizer.trainableVariables);
    const tickets = new Map(
      missing.map((unit) => {
        const ticket = new Draft(0, { kind: "ticket", attempt: attempt || randomId(), base: place, unit });
        return [`t.${place}.${unit}.${attempt}`, ticket.frames(1)[0] as Uint8Array];
      }),
    );
    const id = `v.${place}.${isOver}.${attempt}`;
    this.#saying = this.#saying.then(async () => {
      for (let tries = 0; tries < 5 && this.#place === place && (isOver || !this.#stop.signal.aborted); tries++) {
        try {
          if (tries > 0 || attempt !== "" || isOver) await this.#log.ensure();
          await Promise.all([this.#log.say(values.frames(this.#log.chunkBytes), id), this.#log.offer(tickets)]);
          return;
        } catch (error) {
          if (isFinal(error)) return this.#fail(error);
          await sleep(200);
        }
      }
    });
  }

  #sayAgain(): void {
    if (this.#saidAt !== "") this.#say(randomId());
  }

  /** Looks for stalls. Returns what ends that. */
  #watch(): () => void {
    const { stall, stallLimit } = this.#options;
    let cancel = () => {};
    const look = async () => {
      if (!this.#isPaused && Date.now() - this.#progress >= stall * (this.#stalls + 1)) {
        this.#stalls += 1;
        if (this.#stalls > stallLimit) {
          const text = `No gradient that counts arrived for ${Date.now() - this.#progress} ms, ${stallLimit} times offered anew.`;
          return this.#fail(new StalledError(text));
        }
        this.#push("stall");
        try {
          await verify(this.#log, this.#at);
          this.#sayAgain();
        } catch (error) {
          if (isFinal(error)) return this.#fail(error);
        }
      }
      if (!this.#stop.signal.aborted) cancel = after(Math.min(stall, 250), look);
    };
    cancel = after(Math.min(stall, 250), look);
    return () => cancel();
  }

  /** Finds or writes the checkpoint of this base, while the run goes on. */
  #checkpoint(): void {
    const own = { bytes: this.#save(), unit: this.#fold.next, place: this.#place, layout: this.#layout.crc };
    this.#links = (this.#links as Promise<Announcement>).then(async (last) => {
      for (let tries = 1; ; tries++) {
        try {
          const found = await link(this.#log, last, own);
          this.#push("checkpoint");
          return found;
        } catch (error) {
          if (isFinal(error) || this.#stop.signal.aborted) throw error;
          if (tries >= (error instanceof LogFullError ? FULL_LIMIT : TRIES)) throw error;
          await sleep(250);
        }
      }
    });
    this.#links.catch((error) => this.#fail(error));
  }

  async #untilLinked(): Promise<void> {
    await this.#links;
    if (this.#error) throw this.#error.cause;
  }

  /** The state as a checkpoint: names that are counted up in each process must not tell replicas apart. */
  #save(): Uint8Array<ArrayBuffer> {
    const optimizer = this.#optimizer;
    return save({
      name: optimizer.name,
      built: optimizer.built,
      variables: optimizer.variables,
      trainableVariables: optimizer.trainableVariables,
      getConfig: () => unnamed(optimizer.getConfig()),
      setWeights() {},
    });
  }
}

/** The attempt by which values are known that are said of a place: of those that end a run, another one. */
function attemptOf(place: Place, isOver: boolean): string {
  const own = place.split(":")[2] as string;
  return isOver ? own.slice(0, 31) + (Number.parseInt(own.slice(31), 16) ^ 1).toString(16) : own;
}
