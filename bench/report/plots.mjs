// The plots of a run, by the names of their files.
import { contestants } from "../contestants.mjs";
import { timesOf } from "../measured.mjs";
import { median } from "../statistics.mjs";
import { parametersOf, workloads } from "../workloads.mjs";
import { plot } from "./plot.mjs";

/** @import { Measured, Run } from "../types.js" */
/** @import { Series } from "./plot.mjs" */

/** @param {number} number */
const byCount = (number) =>
  number >= 1e6 ? `${number / 1e6} M` : number >= 1e3 ? `${number / 1e3} k` : String(number);

/**
 * Median nanoseconds per parameter of a contestant over models of one tensor.
 *
 * @param {readonly { size: number, entries: readonly Measured[] }[]} found
 * @param {string} key
 * @returns {Series}
 */
function perParameter(found, key) {
  /** @type {Series["points"]} */
  const points = found.flatMap((match) => {
    const times = timesOf(match, key);
    return times ? [/** @type {[number, number]} */ ([match.size, median(times) / match.size])] : [];
  });
  return { name: contestants[key].title, points: points.sort(([a], [b]) => a - b) };
}

/** Of the contestants, one of a kind: the tables have all. */
const SHOWN = ["ours", "native", "threads", "js", "float64", "tfjs-wasm", "jax-js", "torch", "jax", "keras"];

/** @param {Run} run */
function peers({ matches }) {
  const found = matches
    .filter(({ name, configuration }) => name === "side by side" && configuration === "default")
    .map(({ workload, entries }) => ({ sizes: workload ? workloads[workload].sizes : "", entries }))
    .filter(({ sizes }) => /^\d+$/.test(sizes))
    .map(({ sizes, entries }) => ({ size: parametersOf(sizes), entries }));
  const series = SHOWN.map((key) => ({ ...perParameter(found, key), isDashed: key === "native" }));
  return plot({
    title: "A step, one tensor",
    x: "parameters",
    y: "ns per parameter",
    series: series.filter(({ points }) => points.length > 1),
    tickX: byCount,
  });
}

/** @param {Run} run */
function growth({ growth: found }) {
  /**
   * @param {string} key
   * @returns {Series}
   */
  const series = (key) => {
    const { name, points } = perParameter(found, key);
    return { name, points: points.map(([size, each]) => [size, (each * size) / 1e3]) };
  };
  return plot({
    title: "A step from 1 k to 64 M parameters",
    x: "parameters",
    y: "µs per step",
    series: [series("ours"), { ...series("native"), isDashed: true }],
    tickX: byCount,
    tickY: byCount,
  });
}

/**
 * @param {Run} run
 * @returns {Record<string, string>}
 */
export const plots = (run) => ({
  "peers.svg": peers(run),
  ...(run.growth.length > 1 && { "growth.svg": growth(run) }),
});
