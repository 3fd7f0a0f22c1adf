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

/** The part of a `Log` by which a run is begun and joined; each member is documented there. */
export interface Messages {
  /** @internal */
  readonly chunkBytes: number;
  /** @internal */
  open(): Promise<void>;
  /** @internal */
  append(
    subject: Subject,
    frames: readonly Uint8Array[],
    options?: { readonly id?: string; readonly last?: number },
  ): Promise<number | undefined>;
  /** @internal */
  get(sequence: number): Promise<Stored | undefined>;
  /** @internal */
  next(subject: Subject, sequence: number): Promise<Stored | undefined>;
  /** @internal */
  purge(before: number): Promise<void>;
}
