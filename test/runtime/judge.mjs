// When an environment counts as passed.
import { CRC } from "./suite.js";

/** @import { Report } from "./types.js" */

/**
 * What is wrong with the suite's report where `backend` must be used; `undefined` if nothing is.
 *
 * @param {Pick<Report, "backend" | "crc" | "results">} report
 * @param {string} backend
 */
export function complaint(report, backend) {
  const failed = report.results.filter(({ ok }) => !ok);
  if (failed.length > 0) return failed.map(({ name, detail }) => `${name}: ${detail}`).join("; ");
  if (report.results.length === 0) return "the suite did nothing";
  if (report.crc !== CRC) return `the state's CRC-32 is ${report.crc}, not ${CRC}`;
  if (report.backend !== backend) return `the backend is ${report.backend}, not ${backend}`;
  return undefined;
}
