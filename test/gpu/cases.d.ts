export interface Case {
  readonly options: object;
  readonly exclude?: readonly string[];
  readonly isNorm?: boolean;
  readonly spikes?: boolean;
  readonly finalize?: boolean;
  readonly kinds?: readonly string[];
}
export declare const CASES: Readonly<Record<string, Case>>;
export declare const STEPS: number;
export declare function check(
  tf: object,
  tfjs: object,
  rmsprop: object,
  of: Case,
  options?: { resident?: boolean | "composed"; steps?: number },
): Promise<string[]>;
export declare function reads(tf: object, work: () => void): number;
