// What the page and its worker say to each other.

/** Of 24 held-out digits: their pixels from 0 to 1, and what they are. */
export interface Samples {
  readonly pixels: readonly Float32Array[];
  readonly digits: readonly number[];
}

/** How an epoch went. */
export interface EpochReport {
  readonly epoch: number;
  readonly loss: number;
  /** Of the held-out digits, the share recognized. */
  readonly accuracy: number;
}

export type ToWorker =
  /** What the page knows of earlier epochs stays there; the worker asks its store what was saved. */
  | { readonly kind: "open"; readonly data: ArrayBuffer }
  | { readonly kind: "go"; readonly epochsPerSecond: number }
  | { readonly kind: "pause" | "save" | "forget" | "export" };

export type FromWorker =
  | {
      readonly kind: "ready";
      readonly backend: string;
      readonly storage: string;
      readonly epochs: number;
      readonly stepsPerEpoch: number;
      readonly samples: Samples;
      /** The epochs of a run that was saved; empty without one. */
      readonly history: readonly EpochReport[];
      readonly savedAt: number | null;
      readonly guesses: readonly number[];
    }
  | {
      readonly kind: "epoch";
      readonly report: EpochReport;
      readonly guesses: readonly number[];
      /** Milliseconds that this epoch's training took, without the pauses between epochs. */
      readonly time: number;
    }
  | { readonly kind: "saved"; readonly at: number; readonly epoch: number }
  | { readonly kind: "not saved"; readonly reason: string }
  | { readonly kind: "paused" | "forgotten" }
  | {
      readonly kind: "done";
      readonly checksum: string;
      readonly correct: number;
      readonly tested: number;
      readonly guesses: readonly number[];
    }
  | { readonly kind: "file"; readonly bytes: Uint8Array<ArrayBuffer> }
  | { readonly kind: "failed"; readonly reason: string };
