// The plots of a run, by the names of their files.
import { contestants } from "../contestants.mjs";
import { median } from "../statistics.mjs";
import { parametersOf, workloads } from "../workloads.mjs";
import { plot } from "./plot.mjs";

const byCount = (number) =>
  number >= 1e6 ? `${number / 1e6} M` : number >= 1e3 ? `${number / 1e3} k` : String(number);

/** Median nanoseconds per parameter of a contestant over models of one tensor. */
function perParameter(found, key) {
  const points = found.flatMap(({ size, entries }) => {
    const times = entries.find((entry) => entry.key === key)?.nanoseconds;
    return times ? [[size, median(times) / size]] : [];
  });
  return { name: contestants[key].title, points: points.sort(([a], [b]) => a - b) };
}

function peers({ matches }) {
  const found = matches
    .filter(({ name, configuration }) => name === "side by side" && configuration === "default")
    .filter(({ workload }) => !workloads[workload].sizes.includes("x") && !workloads[workload].sizes.includes(","))
    .map(({ workload, entries }) => ({ size: parametersOf(workloads[workload].sizes), entries }));
  const series = Object.keys(contestants).map((key) => perParameter(found, key));
  return plot({
    title: "A step, one tensor",
    x: "parameters",
    y: "ns per parameter",
    series: series.filter(({ points }) => points.length > 1),
    tickX: byCount,
  });
}

function growth({ growth: found }) {
  const series = (key) => ({
    ...perParameter(found, key),
    points: perParameter(found, key).points.map(([size, each]) => [size, (each * size) / 1e3]),
  });
  return plot({
    title: "A step from 1 k to 64 M parameters",
    x: "parameters",
    y: "µs per step",
    series: [series("ours"), series("native")],
    tickX: byCount,
    tickY: byCount,
  });
}

export const plots = (run) => ({
  "peers.svg": peers(run),
  ...(run.growth.length > 1 && { "growth.svg": growth(run) }),
});
