// What a run was measured on: enough to read it, and nothing that names the machine.
import { execFileSync } from "node:child_process";
import { cpus, loadavg, totalmem } from "node:os";

/**
 * @param {string} command
 * @param {string[]} args
 */
const firstLine = (command, ...args) => execFileSync(command, args, { encoding: "utf8" }).split("\n")[0].trim();

export const machine = () => ({
  processor: cpus()[0]?.model.trim() ?? "unknown",
  cores: cpus().length,
  gibibytes: Math.round(totalmem() / 2 ** 30),
  system: `${process.platform} ${process.arch}`,
  node: process.versions.node,
  rust: firstLine("rustc", "--version").replace(/ \(.*/, ""),
  // Of the minute before: what else the machine was doing.
  load: Math.round(loadavg()[0] * 10) / 10,
});
