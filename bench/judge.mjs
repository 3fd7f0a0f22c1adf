// Whether a run reached the goals of goals.mjs.
import { budgets, ratioGoals, regimeGoals } from "./goals.mjs";
import { ratiosOf, timesOf } from "./measured.mjs";
import { interval, median } from "./statistics.mjs";

/** @import { Estimate, Goal, JudgedRun, Limit, MeasuredMatch, RatioGoal, Summary } from "./types.js" */

/**
 * A median ratio and its 95 % interval, widened by how far the same code differs from itself.
 *
 * @param {MeasuredMatch | undefined} match
 * @param {string} over
 * @param {string} under
 * @returns {Estimate | null}
 */
function ratio(match, over, under) {
  const list = ratiosOf(match, over, under);
  if (!list) return null;
  const again = ratiosOf(match, "again", "ours");
  const bias = again ? Math.abs(median(again) - 1) : 0;
  const { low, high } = interval(list);
  return { measured: median(list), low: low / (1 + bias), high: high * (1 + bias) };
}

/**
 * @param {Limit} goal
 * @param {Estimate | null | undefined} measured
 */
function verdict({ atMost, atLeast }, measured) {
  if (!measured) return "not measured";
  if (atMost !== undefined) {
    if (measured.measured <= atMost) return "reached";
    return measured.low <= atMost ? "within noise" : "missed";
  }
  if (atLeast === undefined) throw new Error("a goal without a limit");
  if (measured.measured >= atLeast) return "reached";
  return measured.high >= atLeast ? "within noise" : "missed";
}

/**
 * @param {string} title
 * @param {Limit} goal
 * @param {Estimate | null | undefined} measured
 * @param {string | null} [excuse] What to say of a goal that is missed for another's fault.
 * @returns {Goal}
 */
function judged(title, goal, measured, excuse) {
  const { atMost, atLeast, unit = "×", because } = goal;
  const found = verdict(goal, measured);
  return {
    title,
    ...(atMost !== undefined && { atMost }),
    ...(atLeast !== undefined && { atLeast }),
    unit,
    ...(because !== undefined && { because }),
    ...measured,
    verdict: (found === "missed" && excuse) || found,
  };
}

/** What a step may take more than the traffic that it cannot do without. */
const MEMORY_BOUND = 1.25;

/**
 * Why a goal beside others may be out of reach. They were set on one processor: on another, the divider or the peers may be
 * so fast that the crate as native code does not reach them either, or memory so slow that a second thread has nothing to do.
 *
 * @param {RatioGoal} goal
 * @param {MeasuredMatch | undefined} match
 */
function excuse(goal, match) {
  const { over, under } = goal;
  const names = [over, under];
  if (under === "threads" && over === "ours") {
    const toMemory = ratio(match, "threads", "triad");
    return toMemory && toMemory.measured <= MEMORY_BOUND ? "memory is the limit" : null;
  }
  // Native code compared with itself says nothing.
  if (!names.includes("ours") || names.includes("native")) return null;
  /** @param {string} name */
  const other = (name) => (name === "ours" ? "native" : name);
  return verdict(goal, ratio(match, other(over), other(under))) === "missed" ? "native code misses it too" : null;
}

/** @param {MeasuredMatch | undefined} match */
function perTensor(match) {
  const [many, one] = [timesOf(match, "ours/1000x8"), timesOf(match, "ours/8000")];
  if (!many || !one) return null;
  const list = many.map((number, i) => (number - one[i]) / 1000);
  return { measured: median(list), ...interval(list) };
}

/**
 * The budgets' numbers.
 *
 * @param {JudgedRun} run
 */
function absolute({ matches, startup }) {
  const [node, slim] = startup?.filter(({ host }) => host.startsWith("Node")) ?? [];
  // The quartiles of cold starts stand for their noise.
  /** @param {Summary | null | undefined} summary */
  const start = (summary) => summary && { measured: summary.median, low: summary.low, high: summary.high };
  return {
    import: start(node?.import),
    // Without decoding, which `slim` does not need: its time is in the table of cold starts.
    firstStep: start(slim?.firstStep),
    perTensor: perTensor(matches.find(({ name }) => name === "tensors")),
  };
}

/** @param {JudgedRun} run */
export function judge(run) {
  const { matches } = run;
  /**
   * @param {string} name
   * @param {string} workload
   * @param {string} configuration
   */
  const met = (name, workload, configuration) =>
    matches.find(
      (match) => match.name === name && match.workload === workload && match.configuration === configuration,
    );
  const relative = ratioGoals.flatMap((goal) =>
    goal.workloads.flatMap((workload) =>
      goal.configurations.map((configuration) => {
        const match = met("side by side", workload, configuration);
        const title = `${goal.over} / ${goal.under}, ${workload}, ${configuration}`;
        return judged(title, goal, ratio(match, goal.over, goal.under), excuse(goal, match));
      }),
    ),
  );
  const regimes = matches
    .filter(({ name }) => name === "regimes")
    .flatMap((match) =>
      regimeGoals.flatMap((goal) => {
        if (goal.configurations?.includes(match.configuration) === false) return [];
        const title = `${goal.regime} / dense, 4k, ${match.configuration}`;
        return judged(title, goal, ratio(match, `ours/${goal.regime}`, "ours/dense"));
      }),
    );
  const numbers = absolute(run);
  return [...relative, ...regimes, ...budgets.map((goal) => judged(goal.title, goal, numbers[goal.measured]))];
}
