// Why a replica or a worker ends. Each has a name of its own, because each asks for another answer; none is repaired in place.

/**
 * The replica's position in the log is gone: the log lost its end, was rolled back or replaced, or others' checkpoints have dropped it because
 * the replica was slow. Call `replicate` again to join what is there now.
 *
 * ```js
 * try {
 *   for await (const event of replicate(log, optimizer)) report(event);
 * } catch (error) {
 *   if (error instanceof LogChangedError) join();
 *   else if (error instanceof NoRunError || error instanceof NoCheckpointError) createAnew();
 *   else if (error instanceof StalledError || error instanceof ServerSilentError || error instanceof LogFullError) lookAtServer();
 *   else if (error instanceof StateDiffersError || error instanceof ConfigurationError) leave();
 * }
 * ```
 */
export class LogChangedError extends Error {
  /** `"LogChangedError"` */
  override readonly name = "LogChangedError";
}

/** The log holds no run: nobody called `create`, or its store is gone. */
export class NoRunError extends Error {
  /** `"NoRunError"` */
  override readonly name = "NoRunError";
}

/** There is a run, but no checkpoint of it is whole. Create it again from a file, in an empty log. */
export class NoCheckpointError extends Error {
  /** `"NoCheckpointError"` */
  override readonly name = "NoCheckpointError";
}

/** Same log, other state: a memory, an engine or a configuration is broken. Do not join again with this process. */
export class StateDiffersError extends Error {
  /** `"StateDiffersError"` */
  override readonly name = "StateDiffersError";
}

/** The run has options or variables other than this optimizer's, or its other replicas other options of `replicate`. */
export class ConfigurationError extends Error {
  /** `"ConfigurationError"` */
  override readonly name = "ConfigurationError";
}

/** The log answers, but no gradient that counts arrives: there are no workers, or they are refused. */
export class StalledError extends Error {
  /** `"StalledError"` */
  override readonly name = "StalledError";
}

/** The log refuses a checkpoint because its limits leave no room. */
export class LogFullError extends Error {
  /** `"LogFullError"` */
  override readonly name = "LogFullError";
}

/** The server answered no question for longer than `silence`; `cause` is what the last one ended with. */
export class ServerSilentError extends Error {
  /** `"ServerSilentError"` */
  override readonly name = "ServerSilentError";
}

/** Whether an error ends a replica wherever it comes from; after others it tries again, a limited number of times. */
export const isFinal = (error: unknown): boolean =>
  [LogChangedError, StateDiffersError, ConfigurationError, ServerSilentError].some((type) => error instanceof type);
