// Cold starts of all hosts, summed up.
import { median, summary } from "../statistics.mjs";
import { chromium } from "./chromium.mjs";
import { node } from "./node.mjs";

const measures = ["import", "firstStep", "untilOptimized"];

/** One host: medians and quartiles in milliseconds, and how many times as slow as optimized code the first steps are. */
function summed({ host, starts, tiers }) {
  const numbers = (name) => starts.map((start) => start[name]).filter((number) => number !== null);
  const columns = measures.map((name) => [name, numbers(name).length > 0 ? summary(numbers(name)) : null]);
  return {
    host,
    starts: starts.length,
    ...Object.fromEntries(columns),
    slowdown: median(starts.map(({ baseline, optimized }) => baseline / optimized)),
    // A start without the baseline tier compiles everything first.
    ...(tiers && { tiers: median(tiers.baseline) / median(tiers.optimizing) }),
  };
}

export async function startup(isQuick) {
  const hosts = [...(await node(isQuick ? 9 : 25)), await chromium(isQuick ? 3 : 9)];
  return hosts.filter((host) => host !== null).map(summed);
}
