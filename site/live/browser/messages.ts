// What the page "This browser" asks its worker, and is told.

export interface SelfTest {
  readonly backend: string;
  readonly checksum: string;
  /** Milliseconds for the whole training. */
  readonly time: number;
  /** Nanoseconds a weight in a step over a million weights; the median of several. */
  readonly nanoseconds: number;
}

export type SelfTestAnswer = SelfTest | { readonly failure: string };
