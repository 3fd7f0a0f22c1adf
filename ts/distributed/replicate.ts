// Following a run: what `replicate` takes, and what it tells.

import { checkedObject, integer } from "../support/checks.js";
import { notBuilt } from "../support/errors.js";
import { message } from "../support/messages.js";
import { assertSameEverywhere, type ReplicatedOptimizer } from "./configuration.js";
import type { Signal } from "./host.js";
import { Log } from "./log.js";
import { Replica, type ReplicaEvent } from "./replica.js";
import { assertCompute, type Compute, checkedPatience } from "./worker.js";

/**
 * Options of `replicate`.
 *
 * ```js
 * const log = { checkpointEvery: 50, span: 1024 };
 * const patience = { patience: 500, stall: 2000, stallLimit: 10 };
 * const compute = ({ unit, values, gradients }) => backpropagate(batch(unit), values, gradients);
 * const computing = { compute, workers: false, ...patience };
 * replicate(memoryLog(), optimizer, { updates: 1000, ...log, ...computing, sameEverywhere: true, signal });
 * ```
 */
export interface ReplicateOptions {
  /** The update after which the run is over. Equal in all replicas. Default: it never is. */
  readonly updates?: number | undefined;
  /** Updates between checkpoints in the log. Equal in all replicas. Default 100. */
  readonly checkpointEvery?: number | undefined;
  /** The most messages between checkpoints in the log, which bounds it. Equal in all replicas. Default 2048. */
  readonly span?: number | undefined;
  /** Milliseconds without a gradient that counts, after which units are offered again. Default 5000. */
  readonly stall?: number | undefined;
  /** Stalls in a row before `StalledError`. Default 12. */
  readonly stallLimit?: number | undefined;
  /** Computes gradients in this process too, from the replica's own values. What it throws ends the replica. Default: it does not. */
  readonly compute?: Compute | undefined;
  /** Milliseconds before another process computes a unit of `compute` too; about three times what one takes. Equal everywhere. Default 5000. */
  readonly patience?: number | undefined;
  /**
   * Whether values and units are offered to workers. With `false`, which must be so in all replicas, only replicas with `compute`
   * compute: no values travel, and a worker ends with a `ConfigurationError`. Default `true`.
   */
  readonly workers?: boolean | undefined;
  /** Says that a learning rate that is a function, or a schedule of one's own, gives the same float32 numbers everywhere. */
  readonly sameEverywhere?: boolean | undefined;
  /** Ends the replica. */
  readonly signal?: Signal | undefined;
}

const KNOWN = [
  ...["updates", "checkpointEvery", "span", "stall", "stallLimit"],
  ...["compute", "patience", "workers", "sameEverywhere", "signal"],
];

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
 * @throws {ConfigurationError} from the loop, where another replica has other `checkpointEvery`, `span` or `updates`.
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
  const { compute, workers = true } = given;
  if (compute !== undefined) assertCompute(compute);
  if (typeof workers !== "boolean") throw new TypeError(message("workers", "a boolean", workers));
  const count = (name: keyof ReplicateOptions, otherwise: number) =>
    given[name] === undefined ? otherwise : integer(name, given[name], 1, Number.MAX_SAFE_INTEGER);
  const checked = {
    updates: given.updates === undefined ? Number.POSITIVE_INFINITY : integer("updates", given.updates, 0, 2 ** 31 - 1),
    checkpointEvery: count("checkpointEvery", 100),
    span: count("span", 2048),
    stall: count("stall", 5000),
    stallLimit: count("stallLimit", 12),
    compute,
    patience: checkedPatience(given.patience),
    workers,
    signal: given.signal,
  };
  if (given.sameEverywhere !== true) assertSameEverywhere(optimizer.getConfig());
  return new Replica(log, optimizer, checked).events();
}
