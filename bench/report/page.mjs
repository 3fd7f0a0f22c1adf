// docs/benchmarks.md: the kept runs side by side.
import { contestants } from "../contestants.mjs";
import { judge } from "../judge.mjs";
import { effort } from "../matches.mjs";
import { ratiosOf, timesOf } from "../measured.mjs";
import { median } from "../statistics.mjs";
import { configurations, parametersOf, regimes, workloads } from "../workloads.mjs";
import { limitOf, short, table, time } from "./format.mjs";
import { versions } from "./full.mjs";
import { titles } from "./runs.mjs";

/** @import { Configuration, Goal, Run, Workload } from "../types.js" */
/** @typedef {Readonly<Record<keyof typeof titles, Run>>} Runs */

const none = "–";
/** @param {readonly string[]} cells One number of each run. */
const joined = (cells) => (cells.every((cell) => cell === none) ? none : cells.join(", "));

/**
 * The match in which contestants took the same steps side by side.
 *
 * @param {Run} run
 * @param {Workload} workload
 * @param {Configuration} configuration
 */
const sideBySide = ({ matches }, workload, configuration) =>
  matches.find(
    (match) => match.name === "side by side" && match.workload === workload && match.configuration === configuration,
  );

/** @param {number[] | null} list */
const typical = (list) => (list ? median(list) : undefined);

/**
 * How many times the time of `under` the contestant `over` takes for a step; `undefined` unless both were measured.
 *
 * @param {Run} run
 * @param {string} over
 * @param {Workload} workload
 * @param {Configuration} [configuration]
 */
export const timesOurs = (run, over, workload, configuration = "default", under = "ours") =>
  typical(ratiosOf(sideBySide(run, workload, configuration), over, under));

/**
 * How long our step takes in each run.
 *
 * @param {readonly Run[]} runs
 * @param {Workload} workload
 * @param {Configuration} configuration
 */
function ourTimes(runs, workload, configuration) {
  const all = runs.map((run) => timesOf(sideBySide(run, workload, configuration), "ours"));
  return joined(all.map((times) => (times ? time(median(times)) : none)));
}

/**
 * Contestants by models.
 *
 * @param {readonly Run[]} runs
 * @param {readonly string[]} keys
 * @param {readonly Workload[]} models
 */
function stepsTable(runs, keys, models) {
  const ours = models.map((model) => ourTimes(runs, model, "default"));
  const rows = keys.map((key) => [
    contestants[key].title,
    ...models.map((model) => joined(runs.map((run) => short(timesOurs(run, key, model))))),
  ]);
  return table(["A step of", ...models.map((model) => workloads[model].title)], [["rmsprop-wasm", ...ours], ...rows]);
}

/** @param {readonly Run[]} runs */
function optionsTable(runs) {
  /**
   * @param {Configuration} configuration
   * @param {Workload} model
   * @param {string} over
   * @param {string} [under]
   */
  const cell = (configuration, model, over, under) =>
    joined(runs.map((run) => short(timesOurs(run, over, model, configuration, under))));
  const rows = /** @type {Configuration[]} */ (Object.keys(configurations)).map((name) => [
    name,
    ourTimes(runs, "1M", name),
    cell(name, "4k", "ours", "native"),
    cell(name, "1M", "ours", "native"),
    ...["js", "tfjs-wasm", "torch", "jax", "keras"].map((key) => cell(name, "1M", key)),
  ]);
  const head = ["Options", "A step of 1 M", "÷ native, 4 k", "÷ native, 1 M"];
  return table([...head, "/js", "tfjs, wasm", "PyTorch", "jax", "Keras"], rows);
}

/**
 * How many times as long as ordinary numbers others take us.
 *
 * @param {Runs} runs
 */
function regimesTable(runs) {
  const columns = /** @type {Configuration[]} */ (["default", "all together"]).flatMap((configuration) =>
    Object.entries(runs).map(([name, run]) => ({
      title: `${configuration}, ${titles[/** @type {keyof Runs} */ (name)]}`,
      match: run.matches.find((each) => each.name === "regimes" && each.configuration === configuration),
    })),
  );
  const rows = Object.entries(regimes)
    .filter(([regime]) => regime !== "dense")
    .map(([regime, says]) => [
      `${regime}: ${says}`,
      ...columns.map(({ match }) => short(typical(ratiosOf(match, `ours/${regime}`, "ours/dense")))),
    ]);
  return table(["Numbers", ...columns.map(({ title }) => title)], rows);
}

/**
 * Every other size of the growth: a factor of 16.
 *
 * @param {readonly Run[]} runs
 */
function growthTable(runs) {
  const sizes = runs[0].growth.map(({ size }) => size).filter((_, i) => i % 2 === 0);
  const rows = sizes.map((size) => {
    const cells = runs.map((run) => {
      const match = run.growth.find((each) => each.size === size);
      const times = timesOf(match, "ours");
      return times ? short(median(times) / size) : none;
    });
    return [size.toLocaleString("en-US"), joined(cells)];
  });
  return table(["Parameters", "ns per parameter"], rows);
}

/** @param {readonly Run[]} runs */
function startupTable(runs) {
  const rows = (runs[0].startup ?? []).map(({ host }) => {
    const hosts = runs.map((run) => run.startup?.find((each) => each.host === host));
    const medians = /** @type {const} */ (["import", "firstStep", "untilOptimized"]).map((measured) =>
      joined(hosts.map((each) => short(each?.[measured]?.median))),
    );
    return [host, ...medians, joined(hosts.map((each) => short(each?.slowdown)))];
  });
  return table(["Host", "Import, ms", "First step, ms", "Until optimized, ms", "First steps, ×"], rows);
}

/** What a cold start in Node is made of. @param {Run} run */
function partsTable({ startupParts = [] }) {
  const number = (/** @type {number} */ each) => (each === 0 ? none : each.toFixed(2));
  const rows = startupParts.map(({ title, index, slim }) => [title, number(index.median), number(slim.median)]);
  return table(["Part", "Default entry, ms", "`slim`, ms"], rows);
}

/**
 * Of goals with one limit over several models or options: the number closest to missing, and how many did not reach it.
 *
 * @param {readonly Goal[]} goals
 */
function verdictOf(goals) {
  const known = goals.filter(({ verdict }) => verdict !== "not measured");
  if (known.length === 0) return none;
  const numbers = known.map(({ measured }) => measured ?? 0);
  const worst = short(known[0].atMost === undefined ? Math.min(...numbers) : Math.max(...numbers));
  const others = known.filter(({ verdict }) => verdict !== "reached").map(({ verdict }) => verdict);
  const counts = [...new Set(others)].map((verdict) => {
    const count = others.filter((each) => each === verdict).length;
    return known.length === 1 ? verdict : `${count} of ${known.length} ${verdict}`;
  });
  return [worst, ...counts].join(", ");
}

/** The goals as they are today, in what the kept runs measured. @param {Runs} runs */
function goalsTable(runs) {
  /** @param {Goal} goal */
  const groupOf = ({ title, ...limit }) => [limit.unit === "×" ? title.split(",")[0] : title, limitOf(limit)].join("|");
  const judged = Object.values(runs).map((run) => judge(run).map((goal) => ({ goal, group: groupOf(goal) })));
  const groups = [...new Set(judged.flatMap((goals) => goals.map(({ group }) => group)))];
  const rows = groups.map((group) => {
    const [title, limit] = group.split("|");
    const found = judged.map((goals) => goals.filter((each) => each.group === group).map(({ goal }) => goal));
    const isRatio = found.flat().some(({ unit }) => unit === "×");
    const models = new Set(found.flat().map((goal) => goal.title.split(", ")[1]));
    return [isRatio ? `${title}, ${[...models].join(", ")}` : title, limit, ...found.map(verdictOf)];
  });
  return table(["Goal", "Limit", ...Object.keys(runs).map((name) => titles[/** @type {keyof Runs} */ (name)])], rows);
}

/** What the runs have in common, or what each has. @param {readonly Run[]} runs */
const setups = (runs) =>
  [
    ...new Set(
      runs.map(({ machine: { cores, gibibytes, system, rust } }) =>
        [`${cores} cores`, `${gibibytes} GiB`, system, rust].join(", "),
      ),
    ),
  ].join("; ");

/** @param {Runs} runs */
export function page(runs) {
  const { epyc, xeon, quick } = runs;
  const full = [epyc, xeon];
  const measured = Object.keys(contestants).filter((key) =>
    full.every((run) => timesOf(sideBySide(run, "4k", "default"), key)),
  );
  const peers = measured.filter((key) => key !== "ours");
  /** @type {Workload[]} */
  const models = ["small", "4k", "64k", "1M", "16M", "60 tensors", "1000x8"];
  const { rounds, slices, slice, warm } = effort.full;
  const bytes = (epyc.memory ?? []).filter(({ parameters }) => parameters === 2 ** 20).map(({ beyond }) => beyond);
  return `# Benchmarks

Written by \`npm run docs:benchmarks\` from the runs in bench/results. \`npm run bench -- --report bench/results/xeon.json\` prints all
numbers of a run with their quartiles; the site has a page of them for each run.

${Object.entries(runs)
  .map(([name, { kind, date, machine }]) => {
    const title = titles[/** @type {keyof Runs} */ (name)];
    return `- **${title}:** a ${kind} run, ${date.slice(0, 10)}, ${machine.processor}; load average ${machine.load} when it began`;
  })
  .join("\n")}

${setups(Object.values(runs))}; ${versions(...Object.values(runs))}. All on one thread unless the name says otherwise. **Two numbers in a cell are the EPYC's and the Xeon's.**

## A step with default options

Our time, and how many times our time the others take. The 4 small tensors have ${parametersOf(workloads.small.sizes)} parameters.

${stepsTable(full, peers, models)}

![Nanoseconds per parameter of every contestant over the number of parameters, on the EPYC](benchmarks/epyc.svg)

![The same on the Xeon](benchmarks/xeon.svg)

Peers in Rust, as native code, in the quick run on the EPYC:

${stepsTable([quick], ["native", "burn", "candle"], ["small", "4k", "1M"])}

## With other options

“÷ native” is our time over that of the same crate compiled for the processor, with 128-bit registers. From “/js” on: how many times
our time the others take, at 1 M.

${optionsTable(full)}

## Kinds of numbers

Processors may take a hundred cycles instead of four where operands or results are subnormal. Steps of 4,096 parameters: how many
times the time of a step with ordinary numbers. The full runs are older than the last three kinds, and than the faster way for
“alternating”.

${regimesTable(runs)}

## Growth and memory

${growthTable(full)}

There are three arrays with default options, seven with all slots. Beyond them a runtime takes ${bytes.map((each) => Math.round(each / 1000)).join(", ")} kB for three, five and
seven arrays of a million parameters: memory grows in pages of 64 KiB ([memory](memory.md)).

## Cold starts

Fresh processes, in Chromium a fresh profile too. “First step” is everything from the import to the end of the first step: decoding
the module (not in \`slim\`), compiling it, an instance, a variable, \`build\`, \`step\`. “Until optimized” is how long until steps of
4,096 parameters run at their final speed, “first steps” how many times as long the first of them take. Medians on the EPYC, on the
Xeon, and in the quick run on the EPYC:

${startupTable([...full, quick])}

The parts in Node, in the quick run. Bold rows are measured in one process, the others in another; the last row of each half is the
rest.

${partsTable(quick)}

## How it is measured

- Each contestant is a process of its own, driven over standard input ([the protocol](../bench/protocol.md)), so that engines and
  collectors do not disturb each other.
- Before timing, everyone takes three steps, and the values must agree: in every bit with the native build, the JavaScript backend
  and the \`Math.fround\` loop, and to a thousandth of the change with all others.
- Then everyone runs for ${warm} ms, until optimizing compilers are done.
- ${rounds} rounds follow. In each, every contestant takes ${slices} slices of ${slice} ms (at least one step) in a rotating order; the fastest counts, since
  whatever else a machine does only makes a slice slower. Steps of more than 100 ms are taken once a round. The quick run has
  ${effort.quick.rounds} rounds with slices of ${effort.quick.slice} ms.
- Ratios are formed within a round; tables show their median. What disturbs a round disturbs both numbers, so read ratios, not times.
- Gradients are the same in every step, and nobody copies them.

## Goals

\`npm run bench -- --check\` fails if a goal is missed by more than the noise: if the 95 % interval of the median, widened by what the
same code differs from itself, lies wholly beyond the limit. Goals beside others were set on an Intel Xeon. On a processor with a
faster divider, or with faster peers, the crate as native code may miss them too, or memory may limit two threads; then
they count as no failure. \`bench/goals.mjs\` says what each limit rests on. In each cell: the number closest to missing, and how
many were not reached.

${goalsTable(runs)}
`;
}
