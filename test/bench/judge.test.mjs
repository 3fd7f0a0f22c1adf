// What the benchmark makes of its numbers. Nothing is timed here.
import { describe, expect, it } from "vitest";
import { contestants, present, sameBits } from "../../bench/contestants.mjs";
import { ratioGoals, regimeGoals } from "../../bench/goals.mjs";
import { judge } from "../../bench/judge.mjs";
import { matches } from "../../bench/matches.mjs";
import { interval, median, quantile, ratios } from "../../bench/statistics.mjs";
import { configurations, parametersOf, regimes, tensorsOf, workloads } from "../../bench/workloads.mjs";

/** @import { Workload } from "../../bench/types.js" */
/** @typedef {Readonly<Record<string, number[]>>} Times */

/**
 * @param {number} count
 * @param {(i: number) => number} number
 */
const numbers = (count, number) => Array.from({ length: count }, (_, i) => number(i));

/**
 * The goal of this title, judged by a run in which one match was measured, with these times.
 *
 * @param {string} title
 * @param {Workload} workload
 * @param {Times} times
 */
function judged(title, workload, times) {
  const entries = Object.entries(times).map(([key, nanoseconds]) => ({ key, nanoseconds }));
  const goals = judge({ matches: [{ name: "side by side", workload, configuration: "default", entries }] });
  return goals.find((goal) => goal.title === `${title}, ${workload}, default`);
}

const overNative = (/** @type {Times} */ times) => judged("ours / native", "4k", times);

describe("statistics", () => {
  it("medians and quartiles do not mind the order", () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 2, 3])).toBe(2.5);
    expect(quantile([5, 1, 4, 2, 3], 0.25)).toBe(2);
  });

  it("the interval of a median has the ranks of the binomial distribution", () => {
    expect(interval(numbers(21, (i) => 21 - i))).toEqual({ low: 6, high: 16 });
    expect(interval(numbers(9, (i) => i + 1))).toEqual({ low: 2, high: 8 });
    expect(interval([7])).toEqual({ low: 7, high: 7 });
  });

  it("a median lies within its interval in more than 19 of 20 samples", () => {
    let state = 1;
    const random = () => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return state / 2 ** 32;
    };
    const hits = Array.from({ length: 2000 }, () => interval(numbers(21, random))).filter(
      ({ low, high }) => low <= 0.5 && 0.5 <= high,
    );
    expect(hits.length / 2000).toBeGreaterThan(0.95);
    expect(hits.length / 2000).toBeLessThan(0.99);
  });

  it("ratios are of the same round", () => {
    expect(ratios([2, 6], [1, 2])).toEqual([2, 3]);
  });
});

describe("a goal", () => {
  const flat = (/** @type {number} */ number) => numbers(21, () => number);

  it("is reached at its limit", () => {
    expect(overNative({ ours: flat(105), native: flat(100) })?.verdict).toBe("reached");
  });

  it("is missed beyond it, if nothing says that it is noise", () => {
    expect(overNative({ ours: flat(107), native: flat(100), again: flat(107) })).toMatchObject({
      verdict: "missed",
      measured: 1.07,
    });
  });

  it("is within noise if the rounds disagree about it", () => {
    const ours = numbers(21, (i) => 97 + i);
    expect(overNative({ ours, native: flat(100) })?.verdict).toBe("within noise");
  });

  it("is within noise if the same code differs as much from itself", () => {
    expect(overNative({ ours: flat(107), native: flat(100), again: flat(104) })?.verdict).toBe("within noise");
  });

  it("beside others is not missed where native code misses it too", () => {
    const of = (/** @type {Times} */ times) => judged("tfjs-wasm / ours", "1M", times)?.verdict;
    expect(of({ ours: flat(100), native: flat(98), "tfjs-wasm": flat(1600) })).toBe("reached");
    expect(of({ ours: flat(100), native: flat(98), "tfjs-wasm": flat(900) })).toBe("native code misses it too");
    expect(of({ ours: flat(100), native: flat(50), "tfjs-wasm": flat(900) })).toBe("missed");
    expect(of({ ours: flat(100), "tfjs-wasm": flat(900) })).toBe("missed");
  });

  it("of threads is not missed where memory is the limit", () => {
    const at64k = (/** @type {Times} */ times) => judged("ours / threads", "64k", times)?.verdict;
    expect(at64k({ ours: flat(190), threads: flat(100) })).toBe("reached");
    expect(at64k({ ours: flat(150), threads: flat(100), triad: flat(90) })).toBe("memory is the limit");
    expect(at64k({ ours: flat(150), threads: flat(100), triad: flat(50) })).toBe("missed");
    expect(at64k({ ours: flat(150), threads: flat(100) })).toBe("missed");
  });

  it("that nobody measured is neither", () => {
    expect(overNative({ ours: flat(1) })?.verdict).toBe("not measured");
  });
});

describe("the plan", () => {
  const names = present({ withPython: false, withRust: false, exports: {} });

  it.each([false, true])("names only what there is, and ours first; quick: %s", (isQuick) => {
    for (const { workload, configuration, entries } of matches(names, isQuick)) {
      if (workload !== undefined) expect(workloads).toHaveProperty([workload]);
      expect(configurations).toHaveProperty([configuration]);
      expect(entries[0]).toMatch(/^ours(\/|$)/);
      expect(new Set(entries).size).toBe(entries.length);
      for (const key of entries) expect([...Object.keys(contestants), "again"]).toContain(key.split("/")[0]);
    }
  });

  it("measures every goal in a full run, but those of contestants that are not there", () => {
    const plan = matches(Object.keys(contestants), false);
    for (const { over, under, workloads: models, configurations: chosen } of ratioGoals) {
      for (const workload of models) {
        for (const configuration of chosen) {
          const match = plan.find((each) => each.workload === workload && each.configuration === configuration);
          expect(match?.entries, `${workload}, ${configuration}`).toEqual(
            expect.arrayContaining([over, under, "again"]),
          );
        }
      }
    }
    for (const { regime } of regimeGoals) expect(regimes).toHaveProperty([regime]);
  });

  it("sizes are counted as the protocol writes them", () => {
    expect(parametersOf("512x20,8")).toBe(10_248);
    expect(parametersOf(workloads.small.sizes)).toBe(212);
    expect([tensorsOf(workloads.small.sizes), tensorsOf(workloads["60 tensors"].sizes)]).toEqual([4, 60]);
    expect(parametersOf(workloads["60 tensors"].sizes)).toBe(3_000_000);
    expect(parametersOf(workloads["1000x8"].sizes)).toBe(parametersOf(workloads["8000"].sizes));
  });

  it("who must have our bits takes part", () => {
    for (const name of sameBits) expect([...Object.keys(contestants), "again"]).toContain(name);
  });
});
