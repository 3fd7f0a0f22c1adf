// The long attack: campaigns of random operations, each with a seed, a time limit and a shrunken replay.
//
//   npm run attack                                        all short campaigns, two minutes in all
//   npm run attack -- --hours 8                           for as long as that
//   npm run attack -- --only public-api --seed 7 --path 12:3   one case again, as a failure printed it
import { parseArgs } from "node:util";
import * as fc from "fast-check";

/**
 * @typedef {object} Campaign
 * @property {string} name
 * @property {string} what what it attacks, in a line
 * @property {() => fc.IRawProperty<any>} property makes a property; it fails by throwing
 */

const SHORT = ["public-api", "raw-exports", "files", "memory", "objects", "kills"];
/** What takes minutes to build is part of long runs. */
const CAMPAIGNS = [...SHORT, "sanitizers"];

const { values } = parseArgs({
  options: {
    only: { type: "string", multiple: true },
    seed: { type: "string" },
    path: { type: "string" },
    minutes: { type: "string" },
    hours: { type: "string" },
  },
});

const unknown = values.only?.find((name) => !CAMPAIGNS.includes(name));
if (unknown !== undefined) {
  console.error(`--only must be one of ${CAMPAIGNS.join(", ")}; received ${unknown}.`);
  process.exit(2);
}
const minutes = values.hours === undefined ? Number(values.minutes ?? 2) : Number(values.hours) * 60;
if (!(minutes > 0)) {
  console.error(`--minutes and --hours must be above 0; received ${values.hours ?? values.minutes}.`);
  process.exit(2);
}
const names = values.only ?? (values.hours === undefined ? SHORT : CAMPAIGNS);
const seed = values.seed === undefined ? Date.now() & 0x7fffffff : Number(values.seed);

/** Cases between two lines of progress. */
const ROUND = 50;

let failed = 0;
for (const name of names) {
  /** @type {{ campaign: Campaign }} */
  const { campaign } = await import(`./${name}.mjs`);
  console.log(`${campaign.name}: ${campaign.what}; seed ${seed}`);
  const property = campaign.property();
  // What it builds does not count: there is a case in any time.
  const started = performance.now();
  const end = started + (minutes * 60_000) / names.length;
  let cases = 0;
  let printed = started;
  for (let round = 0; performance.now() < end; round++) {
    // A seed for each round: what fails is found again without all that went before.
    const parameters = values.path === undefined ? { seed: seed + round, numRuns: ROUND } : { seed, path: values.path };
    const details = await fc.check(property, {
      ...parameters,
      interruptAfterTimeLimit: Math.max(1000, end - performance.now()),
    });
    cases += details.numRuns;
    if (details.failed && !details.interrupted) {
      failed++;
      console.log(`${fc.defaultReportMessage(details)}\n${details.errorInstance}`);
      console.log(
        `Again: npm run attack -- --only ${name} --seed ${details.seed} --path ${details.counterexamplePath}`,
      );
      break;
    }
    if (values.path !== undefined) break;
    if (performance.now() - printed > 10_000) {
      printed = performance.now();
      console.log(`  ${cases} cases, ${Math.round((printed - started) / 1000)} s`);
    }
  }
  console.log(`  ${cases} cases in ${Math.round((performance.now() - started) / 1000)} s`);
}
console.log(`${names.length - failed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
