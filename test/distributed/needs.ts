// What a test needs on the machine. What is not installed is left out, and the test's name says so; DISTRIBUTED_RUNTIMES=all
// leaves nothing out.
import type { Need } from "../runtime/needs.mjs";

const isComplete = process.env["DISTRIBUTED_RUNTIMES"] === "all";

/** The name of a test, and whether it can run. */
export function needing(name: string, needs: readonly Need[]): { readonly name: string; readonly isMissing: boolean } {
  const missing = needs.filter((need) => !need.isInstalled()).map(({ label }) => label);
  const isMissing = !isComplete && missing.length > 0;
  return { name: isMissing ? `${name}: not installed: ${missing.join(", ")}` : name, isMissing };
}
