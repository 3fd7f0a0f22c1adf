// Cold starts of all hosts, summed up.
import { median, summary } from "../statistics.mjs";
import { chromium } from "./chromium.mjs";
import { node } from "./node.mjs";

/** @import { FullStartup, Host } from "../types.js" */

/**
 * One host: medians and quartiles in milliseconds, and how many times as slow as optimized code the first steps are.
 *
 * @param {Host} host
 * @returns {FullStartup}
 */
function summed({ host, starts, tiers }) {
  const summedUp = (/** @type {"import" | "firstStep" | "untilOptimized"} */ name) => {
    const numbers = starts.map((start) => start[name]).filter((number) => number !== null);
    return numbers.length > 0 ? summary(numbers) : null;
  };
  return {
    host,
    starts: starts.length,
    import: summedUp("import"),
    firstStep: summedUp("firstStep"),
    untilOptimized: summedUp("untilOptimized"),
    slowdown: median(starts.map(({ baseline, optimized }) => baseline / optimized)),
    // A start without the baseline tier compiles everything first.
    ...(tiers && { tiers: median(tiers.baseline) / median(tiers.optimizing) }),
  };
}

/** @param {boolean} isQuick */
export async function startup(isQuick) {
  const hosts = [...(await node(isQuick ? 9 : 25)), await chromium(isQuick ? 3 : 9)];
  return hosts.filter((host) => host !== null).map(summed);
}
