// All tables of one run, as Markdown: on the terminal, and on the site.
import { regimes } from "../workloads.mjs";
import * as tables from "./tables.mjs";

/** @import { Run } from "../types.js" */

/** Package, date and machine of a run. @param {Run} run */
function origin({ kind, package: name, date, machine }) {
  const { processor, cores, gibibytes, system, node, rust, load } = machine;
  return `A ${kind} run of ${name}, ${date.slice(0, 10)}: ${processor}, ${cores} cores, ${gibibytes} GiB, ${system}, Node ${node}, ${rust}; load average ${load} when it began.`;
}

/** The versions of all contestants, each once. @param {readonly Run[]} runs */
export const versions = (...runs) =>
  [...new Set(runs.flatMap((run) => Object.values(run.versions)).filter(Boolean))].join("; ");

/**
 * Titles and tables of what the run measured.
 *
 * @param {Run} run
 * @returns {[title: string, text: string][]}
 */
function parts(run) {
  const kinds = Object.entries(regimes).map(([name, says]) => `- ${name}: ${says}`);
  return [
    ...run.configurations.map(
      (name) => /** @type {[string, string]} */ ([`Configuration: ${name}`, tables.peersTable(run, name)]),
    ),
    ["Against native code: medians and quartiles of the rounds", tables.nativeTable(run)],
    ["Calls and tensors", tables.tensorsTable(run)],
    ["Kinds of numbers", `${kinds.join("\n")}\n\n${tables.regimesTable(run)}`],
    ...(run.growth.length > 0 ? [/** @type {[string, string]} */ (["Growth", tables.growthTable(run)])] : []),
    ...(run.memory ? [/** @type {[string, string]} */ (["Memory", tables.memoryTable(run.memory)])] : []),
    ...(run.startup ? [/** @type {[string, string]} */ (["Cold starts", tables.startupTable(run.startup)])] : []),
    ...(run.startupParts
      ? [/** @type {[string, string]} */ (["Where a cold start goes", tables.partsTable(run.startupParts)])]
      : []),
    ["Goals", tables.goalsTable(run.goals)],
  ];
}

/** @param {Run} run */
export const fullReport = (run) =>
  `${origin(run)}\n\n${versions(run)}.\n\n${parts(run)
    .map(([title, text]) => `## ${title}\n\n${text}`)
    .join("\n\n")}\n`;
