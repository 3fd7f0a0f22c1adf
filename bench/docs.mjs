// docs/benchmarks.md and its plots, from a run of bench/run.mjs, which is kept beside them as docs/benchmarks/run.json:
// node bench/docs.mjs [FILE] [--as xeon|quick]. With `--as`, docs/benchmarks-xeon.md from docs/benchmarks/xeon/run.json.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { biome, root } from "../scripts/tools.mjs";
import { budgets, ratioGoals, regimeGoals } from "./goals.mjs";
import { plots } from "./report/plots.mjs";
import * as tables from "./report/tables.mjs";
import { regimes } from "./workloads.mjs";

const { values: options, positionals } = parseArgs({ options: { as: { type: "string" } }, allowPositionals: true });
const file = positionals[0] ?? join(root, "bench", "results", "latest.json");
const docs = join(root, "docs");

/** @typedef {import("./types.js").Run} Run */
/** @type {(path: string) => Run} */
const read = (path) => JSON.parse(readFileSync(path, "utf8"));
const run = read(file);

/** The pages there are: a full run for each processor, and a quick one of what came since. */
const PAGES = [
  { name: "benchmarks", pictures: "benchmarks", suffix: "" },
  { name: "benchmarks-xeon", pictures: "benchmarks/xeon" },
  { name: "benchmarks-quick", pictures: "benchmarks/quick", suffix: ", a quick run" },
];
const name = options.as === undefined ? "benchmarks" : `benchmarks-${options.as}`;
const own = PAGES.find((page) => page.name === name);
if (!own) throw new Error(`There is no page ${name}.md: name it in bench/docs.mjs.`);
const folder = join(docs, own.pictures);
const page = join(docs, `${name}.md`);

/** One step with default options on every processor: how many times our own time. */
function processors() {
  const runs = PAGES.map((each) => {
    const kept = join(docs, each.pictures, "run.json");
    return { ...each, run: each.name === name ? run : existsSync(kept) ? read(kept) : undefined };
  });
  const known = runs.flatMap(({ run: of, ...each }) => (of?.kind === "full" ? [{ ...each, run: of }] : []));
  const links = known.map((each) => `[${each.run.machine.processor}](${each.name}.md)`).join(" and ");
  return `There are full runs on ${links}. A step with default options on both; how many times our own time:

${tables.processorsTable(known.map((each) => each.run))}`;
}

function goalsSaid() {
  const limit = (/** @type {import("./types.js").Limit} */ { atMost, atLeast, unit = "×" }) =>
    atMost !== undefined ? `≤ ${atMost} ${unit}` : `≥ ${atLeast} ${unit}`;
  const lines = [
    ...ratioGoals.map(
      (goal) => `- ${goal.over} ÷ ${goal.under} ${limit(goal)}, at ${goal.workloads.join(", ")}: ${goal.because}`,
    ),
    ...regimeGoals.map((goal) => {
      const where = goal.configurations ? `, ${goal.configurations.join(", ")}` : "";
      return `- ours, ${goal.regime} ÷ ours, dense ${limit(goal)}${where}: ${goal.because}`;
    }),
    ...budgets.map((goal) => `- ${goal.title} ${limit(goal)}`),
  ];
  return lines.join("\n");
}

/** How many goals there are of each verdict. */
function counts() {
  const verdicts = run.goals.map(({ verdict }) => verdict);
  return [...new Set(verdicts)]
    .map((each) => `${verdicts.filter((other) => other === each).length} ${each}`)
    .join(", ");
}

function configurations() {
  return run.configurations.map((name) => `### ${name}\n\n${tables.peersTable(run, name)}`).join("\n\n");
}

const { machine: on, effort } = run;
const drawings = plots(run);
/**
 * @param {string} name
 * @param {string} says
 */
const picture = (name, says) => (name in drawings ? `![${says}](${own?.pictures}/${name})\n\n` : "");

const text = `# Benchmarks${own.suffix ?? `, ${on.processor.replaceAll(/\(R\)| Processor/g, "")}`}

Written by \`npm run docs:benchmarks\` from a ${run.kind} run of \`npm run bench\`: ${run.package}, ${run.date.slice(0, 10)}, ${on.processor}
(${on.cores} cores, ${on.gibibytes} GiB), ${on.system}, Node ${on.node}, ${on.rust}. The load average was ${on.load} when it began. Read ratios, not
times: the machine may have been busy, but ratios are of numbers measured within milliseconds of each other.

${Object.values(run.versions)
  .filter(Boolean)
  .filter((version, i, all) => all.indexOf(version) === i)
  .join("; ")}. All on one thread unless the name says otherwise.

## Processors

${processors()}

## How it is measured

- Each contestant is a process of its own, driven over standard input ([the protocol](../bench/protocol.md)), so engines and collectors
  do not disturb each other.
- Before timing, everyone takes three steps, and the values must agree: in every bit with the native build, the JavaScript backend and the
  \`Math.fround\` loop, and to a thousandth of the way they went with everybody else.
- Then everyone gets warm for ${effort.warm} ms, until optimizing compilers are done.
- ${effort.rounds} rounds: in each, every contestant takes ${effort.slices} slices of ${effort.slice} ms (at least one step) in a rotating order. The round's number is the
  fastest slice: whatever else a machine does makes one slower, never faster. Tables show the median of the rounds. (Steps of more
  than 100 ms: one a round.)
- Ratios are formed in each round and then summed up by their median, so what disturbs a round disturbs both of its numbers.
- Gradients are the same in every step, and nobody copies them.
- “Again” is the same code on other addresses: by how much it differs from 1 is noise.

## Side by side

In brackets: how many times our own time.

${picture("peers.svg", "Nanoseconds per parameter of every contestant over the number of parameters")}${configurations()}

## Against native code

The same crate compiled for the processor with 128-bit registers. Medians and quartiles of the rounds' ratios.

${tables.nativeTable(run)}

## Kinds of numbers

Where operands or results are subnormal, processors may take a hundred cycles instead of four.

${Object.entries(regimes)
  .map(([name, says]) => `- ${name}: ${says}`)
  .join("\n")}

${tables.regimesTable(run)}

## Growth

${picture("growth.svg", "Microseconds of a step over the number of parameters")}${tables.growthTable(run)}

The same number of parameters in many tensors and in one:

${tables.tensorsTable(run)}
${
  run.memory
    ? `
## Memory

Beyond the arrays there is what an empty runtime has ([decisions.md](decisions.md#memory-belongs-to-a-runtime)), and up to 64 KiB
where memory had to grow for an array, because it grows in whole pages: what is left of a page serves the next array that fits.

${tables.memoryTable(run.memory)}
`
    : ""
}${
  run.startup
    ? `
## Cold starts

Fresh processes; in Chromium a fresh profile too. “First step” is everything from the import to the end of the first step: decoding
(not in \`slim\`, which is given the bytes), compiling, an instance and its probe, a variable, \`build\`, \`step\`. Then, how long until steps of 4,096 parameters run at their final speed, how many
times as long the first of them take, and how many times as long they would take if the engine never optimized. Medians and
quartiles.

${tables.startupTable(run.startup)}
`
    : ""
}${
  run.startupParts
    ? `
Where they go in Node. The bold rows are measured in one process, what the host and the engine take for the same files and the same
module in another; the last row of each half is the rest. Where the system allows, these processes run before all others.

${tables.partsTable(run.startupParts)}
`
    : ""
}
## Goals

\`npm run bench -- --check\` fails if a goal is missed by more than the noise: if the 95 % interval of the median, widened by what the
same code differs from itself, lies wholly beyond the limit. Goals beside
others were set on an Intel Xeon; on a processor with a faster divider, or with faster peers, the crate as native code may miss
them too, or memory may be what limits two threads, and then they count as no failure. In this run: ${counts()}.

${goalsSaid()}

${tables.goalsTable(run.goals)}
`;

mkdirSync(folder, { recursive: true });
writeFileSync(join(folder, "run.json"), `${JSON.stringify(run)}\n`);
for (const [name, drawing] of Object.entries(drawings)) writeFileSync(join(folder, name), drawing);
writeFileSync(page, text);
execFileSync(process.execPath, [biome, "format", "--write", page], { cwd: root, stdio: "ignore" });
console.log(`docs/${name}.md and ${Object.keys(drawings).length} plots.`);
