// A run as tables.
import { contestants } from "../contestants.mjs";
import { ratiosOf, timesOf } from "../measured.mjs";
import { median, summary } from "../statistics.mjs";
import { configurations, parametersOf, regimes, workloads } from "../workloads.mjs";
import { limitOf, short, table, time } from "./format.mjs";

/** @import { Configuration, MeasuredMatch, Run, Summary, Workload } from "../types.js" */

const workloadNames = /** @type {Workload[]} */ (Object.keys(workloads));

/** @param {number[] | undefined} times */
const typical = (times) => (times ? median(times) : undefined);

/** @param {MeasuredMatch} match */
const isSide = (match) => match.name === "side by side";
/** @param {string} key */
const titleOf = (key) => (key === "again" ? "rmsprop-wasm again (noise)" : contestants[key].title);

/**
 * Time of a step, and in brackets how many times that of ours.
 *
 * @param {MeasuredMatch | undefined} match
 * @param {string} key
 */
const cell = (match, key) => {
  const times = timesOf(match, key);
  if (!times) return "–";
  const relative = key === "ours" ? null : ratiosOf(match, key, "ours");
  return `${time(median(times))}${relative ? ` (${short(median(relative))}×)` : ""}`;
};

/**
 * Contestants by models, at one configuration.
 *
 * @param {Run} run
 * @param {Configuration} configuration
 */
export function peersTable({ matches }, configuration) {
  const ours = matches.filter((match) => isSide(match) && match.configuration === configuration);
  const columns = workloadNames.filter((name) => ours.some((match) => match.workload === name));
  const keys = [...Object.keys(contestants), "again"].filter((key) => ours.some((match) => timesOf(match, key)));
  const at = (/** @type {Workload} */ workload) => ours.find((match) => match.workload === workload);
  const rows = keys.map((key) => [titleOf(key), ...columns.map((workload) => cell(at(workload), key))]);
  return table(["A step of", ...columns.map((name) => workloads[name].title)], rows);
}

/**
 * Ours over native code: configurations by models, with the quartiles of the rounds.
 *
 * @param {Run} run
 */
export function nativeTable({ matches }) {
  const ours = matches.filter((match) => isSide(match) && timesOf(match, "native"));
  const columns = workloadNames.filter((name) => ours.some((match) => match.workload === name));
  const rows = Object.keys(configurations).map((configuration) => [
    configuration,
    ...columns.map((workload) => {
      const match = ours.find((each) => each.configuration === configuration && each.workload === workload);
      const list = ratiosOf(match, "ours", "native");
      if (!list) return "–";
      const spread = summary(list);
      return `${spread.median.toFixed(2)} (${spread.low.toFixed(2)}–${spread.high.toFixed(2)})`;
    }),
  ]);
  return table(["Ours ÷ native", ...columns.map((name) => workloads[name].title)], rows);
}

/**
 * Regimes of numbers: ns per parameter, and relative to ordinary numbers.
 *
 * @param {Run} run
 */
export function regimesTable({ matches }) {
  const found = matches.filter(({ name }) => name === "regimes");
  const rows = found.flatMap((match) => {
    const size = parametersOf(workloads[match.workload ?? "4k"].sizes);
    const names = [...new Set(match.entries.map(({ key }) => key.split("/")[0]))];
    return names.map((name) => {
      const cells = Object.keys(regimes).map((regime) => {
        const times = timesOf(match, `${name}/${regime}`);
        const relative = ratiosOf(match, `${name}/${regime}`, `${name}/dense`);
        if (!times || !relative) return "–";
        return `${short(median(times) / size)} (${short(median(relative))}×)`;
      });
      return [contestants[name].title, match.configuration, ...cells];
    });
  });
  return table(["ns per parameter, 4 k", "Configuration", ...Object.keys(regimes)], rows);
}

/**
 * Time over parameters.
 *
 * @param {Run} run
 */
export function growthTable({ growth }) {
  const rows = growth.map((match) => {
    const [ours, native] = [typical(timesOf(match, "ours")), typical(timesOf(match, "native"))];
    const { size } = match;
    const cells = [ours, native].flatMap((each) => [time(each), short(each === undefined ? each : each / size)]);
    return [size.toLocaleString("en-US"), ...cells];
  });
  return table(["Parameters", "A step", "ns per parameter", "Native", "ns per parameter"], rows);
}

/**
 * Cost of calls and tensors.
 *
 * @param {Run} run
 */
export function tensorsTable({ matches }) {
  const match = matches.find(({ name }) => name === "tensors");
  const rows = /** @type {Workload[]} */ (["1000x8", "8000", "small"]).map((workload) => [
    workloads[workload].title,
    ...["ours", "native"].map((name) => time(typical(timesOf(match, `${name}/${workload}`)))),
  ]);
  return table(["Model", contestants.ours.title, contestants.native.title], rows);
}

/** @param {NonNullable<Run["memory"]>} memory */
export function memoryTable(memory) {
  const number = (/** @type {number} */ value) => value.toLocaleString("en-US");
  const rows = memory.map(({ title, parameters, slots, bytes, beyond }) => [
    number(parameters),
    title,
    String(2 + slots),
    number(bytes),
    number(beyond),
  ]);
  return table(["Parameters", "State", "Arrays", "Bytes of linear memory", "Beyond the arrays"], rows);
}

/** @param {NonNullable<Run["startup"]>} startup */
export function startupTable(startup) {
  const spread = (/** @type {Summary | null} */ each) =>
    each ? `${short(each.median)} (${short(each.low)}–${short(each.high)})` : "–";
  const rows = startup.map(({ host, starts, import: imported, firstStep, untilOptimized, slowdown, tiers }) => [
    host,
    String(starts),
    ...[imported, firstStep, untilOptimized].map(spread),
    `${short(slowdown)}×`,
    tiers ? `${short(tiers)}×` : "–",
  ]);
  const head = [
    "Host",
    "Starts",
    "Import, ms",
    "First step, ms",
    "Until optimized, ms",
    "First steps",
    "Baseline tier",
  ];
  return table(head, rows);
}

/** Where a cold start in Node goes. @param {NonNullable<Run["startupParts"]>} parts */
export function partsTable(parts) {
  const spread = (/** @type {Summary} */ each) =>
    each.median === 0 ? "–" : `${each.median.toFixed(2)} (${each.low.toFixed(2)}–${each.high.toFixed(2)})`;
  const rows = parts.map(({ title, index, slim }) => [title, spread(index), spread(slim)]);
  return table(["Part", "Default entry, ms", "`slim`, ms"], rows);
}

/** Goals that were measured. @param {Run["goals"]} goals */
export function goalsTable(goals) {
  const measuredGoals = goals.filter(({ verdict }) => verdict !== "not measured");
  const rows = measuredGoals.map(({ title, measured, low, high, verdict, ...limit }) => [
    title,
    limitOf(limit),
    measured === undefined ? "–" : `${short(measured)} (${short(low)}–${short(high)})`,
    verdict,
  ]);
  return table(["Goal", "Limit", "Measured", "Verdict"], rows);
}
