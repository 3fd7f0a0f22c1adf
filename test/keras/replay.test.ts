/** The cases that parity.py has drawn and run through the real Keras, replayed here; and what Keras is to read of ours. */

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createRuntime, stringifyConfig } from "rmsprop-wasm";
import { afterAll, describe as group, it } from "vitest";
import type { ScheduleCase, Store, TrainingCase, VectorFile } from "../golden/format.js";
import { describe, type Mismatch } from "../golden/mismatch.js";
import { encodeAny, replayTraining, type Saved } from "../golden/replay.js";
import { replaySchedule } from "../golden/replay-schedule.js";
import { BACKENDS, makeOptimizers, ROUTES, type Route, type Runtime } from "../golden/subject.js";

const folder = process.env["RMSPROP_KERAS_CASES"];
const reproduce = process.env["RMSPROP_KERAS_REPRODUCE"];
if (folder === undefined || reproduce === undefined) throw new Error("These cases are drawn first: npm run test:keras");

function read<Case>(name: string): readonly Case[] {
  return (JSON.parse(readFileSync(join(folder!, name), "utf8")) as VectorFile<Case>).cases;
}

const training = read<TrainingCase>("training.json");
const scaled = read<TrainingCase>("loss_scale.json");
const schedules = read<ScheduleCase>("schedules.json");

/** The first report on each case that differs; run.mjs shows them once, whatever number of tests a case fails. */
const reports = new Map<string, string>();

/** Replays all cases before it fails, so that one run says how many are wrong. */
function replayAll<Case extends { readonly id?: string; readonly config: unknown }>(
  cases: readonly Case[],
  how: string,
  replay: (vector: Case) => readonly Mismatch[],
): void {
  const different = cases.filter((vector) => {
    const mismatches = replay(vector);
    if (mismatches.length > 0) report(vector, how, mismatches);
    return mismatches.length > 0;
  });
  const ids = different.map(({ id }) => id).join(", ");
  if (different.length > 0) throw new Error(`${different.length} of ${cases.length} cases differ from Keras: ${ids}`);
}

function report(
  vector: { readonly id?: string; readonly config: unknown },
  how: string,
  mismatches: readonly Mismatch[],
): void {
  if (reports.has(vector.id!)) return;
  const again = `  again: ${reproduce} --only ${vector.id}`;
  const text = [describe(`${vector.id} (${how})`, mismatches), `  config: ${JSON.stringify(vector.config)}`, again];
  reports.set(vector.id!, text.join("\n"));
}

afterAll(() => {
  if (reports.size > 0) writeFileSync(join(folder, "differences.txt"), [...reports.values()].slice(0, 5).join("\n\n"));
});

/** What Keras gets to read: the text of the configuration and, where the case saves, the store and the model beside it. */
interface Written {
  readonly config: string;
  readonly store?: Store;
  readonly variables?: readonly string[];
}

function toStore(vector: TrainingCase, { store, variables }: Saved): Pick<Written, "store" | "variables"> {
  const entries = Object.entries(vector.store!).map(([key, entry]) => [key, { ...entry, b64: encodeAny(store[key]!) }]);
  return { store: Object.fromEntries(entries) as Store, variables: variables.map(encodeAny) };
}

function write(vector: TrainingCase, runtime: Runtime, route: Route): Written {
  const { inner, scaler } = makeOptimizers(vector, route);
  const config = stringifyConfig((scaler ?? inner).getConfig());
  (scaler ?? inner).free();
  let saved = {};
  replayTraining(vector, { runtime, route }, (all) => {
    saved = toStore(vector, all);
  });
  return { config, ...saved };
}

for (const backend of BACKENDS) {
  group(backend, () => {
    const runtime = createRuntime({ backend });
    for (const route of ROUTES) {
      it(`${training.length} training cases by ${route}`, () => {
        replayAll(training, `${backend}, ${route}`, (vector) => replayTraining(vector, { runtime, route }));
      });
      it(`${scaled.length} loss-scaled cases by ${route}`, () => {
        replayAll(scaled, `${backend}, ${route}`, (vector) => replayTraining(vector, { runtime, route }));
      });
    }
  });
}

it(`${schedules.length} schedules`, () => {
  replayAll(schedules, "at", (vector) => replaySchedule(vector, vector.steps!));
});

it("writes configurations and stores for Keras to read", () => {
  const runtimes = BACKENDS.map((backend) => createRuntime({ backend }));
  const written: Record<string, Written> = {};
  [...training, ...scaled].forEach((vector, i) => {
    written[vector.id] = write(vector, runtimes[i % runtimes.length]!, ROUTES[i % ROUTES.length]!);
  });
  writeFileSync(join(folder, "ours.json"), JSON.stringify(written));
});
