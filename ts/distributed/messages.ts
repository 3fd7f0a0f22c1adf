// The stream that keeps a run, as joining it needs it.

/** The three subjects of the stream that keeps a run. */
export type Subject = "gradients" | "checkpoint" | "announcement";

/** A message as the log keeps it. */
export interface Stored {
  /** Counts the stream's messages from 1. */
  readonly sequence: number;
  /** When the server stored it, in nanoseconds. */
  readonly time: string;
  /** A frame, if an honest writer made it. */
  readonly bytes: Uint8Array;
}

/** The part of a `Log` by which a run is begun and joined. */
export abstract class Messages {
  /** @internal Bytes of a record that fit into one message. */
  abstract readonly chunkBytes: number;

  /** @internal Makes the stream of the run, unless it is there. */
  abstract open(): Promise<void>;

  /**
   * @internal Stores messages, each once.
   *
   * @returns the first one's sequence; `undefined` if `last` is not the sequence of the subject's last message.
   * @throws {LogFullError} if the log's limits leave no room.
   */
  abstract append(
    subject: Subject,
    frames: readonly Uint8Array[],
    options?: { readonly id?: string; readonly last?: number },
  ): Promise<number | undefined>;

  /** @internal The message with this sequence, as the leader has it; `undefined` if there is none. */
  abstract get(sequence: number): Promise<Stored | undefined>;

  /** @internal The first message of a subject from this sequence on. */
  abstract next(subject: Subject, sequence: number): Promise<Stored | undefined>;

  /** @internal Drops all messages before this sequence. */
  abstract purge(before: number): Promise<void>;
}
