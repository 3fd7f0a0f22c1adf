// Who meets whom over what: the list of matches of a run.
import { contestants } from "./contestants.mjs";
import { configurations, parametersOf, regimes, tensorsOf, workloads } from "./workloads.mjs";

/** @import { Configuration, Match, Workload } from "./types.js" */

/** @type {Readonly<Record<"full" | "quick", import("./types.js").Effort>>} */
export const effort = {
  full: { rounds: 21, slices: 3, slice: 8, warm: 150 },
  quick: { rounds: 9, slices: 3, slice: 2, warm: 50 },
};

/**
 * `--quick` leaves out what is large, or close to what it measures.
 *
 * @type {{ peers: Workload[], configurations: Workload[], regimes: Configuration[] }}
 */
const quick = {
  peers: ["small", "4k", "1M"],
  configurations: ["4k", "1M"],
  regimes: ["default", "all together"],
};

/** Many tensors are for peers; options make no difference there. What they are compared with is for `perTensor`. */
const all = /** @type {Workload[]} */ (Object.keys(workloads)).filter((name) => name !== "8000");
const one = all.filter((name) => name !== "1000x8");

/**
 * Every contestant over each workload and configuration that it has; ours twice, to see what noise alone does.
 *
 * @param {readonly string[]} present
 * @param {boolean} isQuick
 * @returns {Omit<Match, "name">[]}
 */
function sideBySide(present, isQuick) {
  return /** @type {Configuration[]} */ (Object.keys(configurations)).flatMap((configuration) => {
    const isDefault = configuration === "default";
    const measured = isQuick ? (isDefault ? quick.peers : quick.configurations) : isDefault ? all : one;
    return measured.map((workload) => {
      const [size, tensors] = [parametersOf, tensorsOf].map((of) => of(workloads[workload].sizes));
      const able = present.filter((name) => {
        const { only, most = Number.POSITIVE_INFINITY, mostTensors = most } = contestants[name];
        return (only?.includes(configuration) ?? true) && size <= most && tensors <= mostTensors;
      });
      // Slow contestants would take minutes, and the default configuration has shown how slow they are.
      const invited = able.filter(
        (name) => isDefault || size <= 2 ** 20 || ["ours", "native", "threads"].includes(name),
      );
      // Bandwidth limits only what does not fit the caches.
      const entries = invited.filter((name) => name !== "triad" || size >= 2 ** 20);
      return { workload, configuration, regime: "dense", entries: [...entries, "again"] };
    });
  });
}

/**
 * The quick run measures beyond the caches too, but without peers, which take seconds for a step.
 *
 * @returns {Omit<Match, "name">}
 */
const beyondCaches = () => ({
  workload: "16M",
  configuration: "default",
  regime: "dense",
  entries: ["ours", "native", "triad", "again"],
});

/**
 * Cost per tensor: the same number of parameters in 1,000 tensors and in one.
 *
 * @type {Match}
 */
const perTensor = {
  name: "tensors",
  configuration: "default",
  regime: "dense",
  entries: ["1000x8", "8000", "small"].flatMap((workload) => [`ours/${workload}`, `native/${workload}`]),
};

/**
 * Ours with all kinds of numbers, and for comparison native code and plain JavaScript.
 *
 * @param {boolean} isQuick
 * @returns {Match[]}
 */
function numbers(isQuick) {
  return /** @type {Configuration[]} */ (Object.keys(configurations))
    .filter((configuration) => !isQuick || quick.regimes.includes(configuration))
    .map((configuration) => {
      const names = configuration === "default" ? ["ours", "native", "float64"] : ["ours"];
      const entries = names.flatMap((name) => Object.keys(regimes).map((regime) => `${name}/${regime}`));
      return { name: "regimes", workload: "4k", configuration, entries };
    });
}

/**
 * All matches of a run, but for growth.
 *
 * @param {readonly string[]} present
 * @param {boolean} isQuick
 * @returns {Match[]}
 */
export function matches(present, isQuick) {
  const meetings = sideBySide(present, isQuick).map((match) => ({ name: "side by side", ...match }));
  if (isQuick) meetings.push({ name: "side by side", ...beyondCaches() });
  return [...meetings, perTensor, ...numbers(isQuick)];
}

/**
 * Time over parameters: powers of 4 from 1 k to 64 M.
 *
 * @param {boolean} isQuick
 * @returns {(Match & import("./types.js").Sized)[]}
 */
export const growth = (isQuick) =>
  Array.from({ length: isQuick ? 6 : 9 }, (_, i) => 1024 * 4 ** i).map((size) => ({
    name: "growth",
    configuration: "default",
    regime: "dense",
    size,
    entries: ["ours", "native"],
  }));
