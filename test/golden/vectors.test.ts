/** Every recorded case, on both backends, by every public route: equal in bits. */

import { createRuntime } from "rmsprop-wasm";
import { expect, describe as group, it } from "vitest";
import type { ReductionCase, ScheduleCase, TrainingCase, ValidationCase } from "./format.js";
import { describe, type Mismatch } from "./mismatch.js";
import { replayTraining } from "./replay.js";
import { replayReduction } from "./replay-reduction.js";
import { replaySchedule } from "./replay-schedule.js";
import { replayValidation } from "./replay-validation.js";
import { BACKENDS, ROUTES } from "./subject.js";
import { casesOf } from "./vectors.js";

function expectNone(subject: string, mismatches: readonly Mismatch[]): void {
  expect(mismatches.length, describe(subject, mismatches)).toBe(0);
}

for (const backend of BACKENDS) {
  group(backend, () => {
    const runtime = createRuntime({ backend });

    it("is the backend asked for", () => {
      expect(runtime.backend).toBe(backend === "wasm" ? "wasm-simd128" : "js");
    });

    for (const { name, vector } of casesOf<TrainingCase>("training")) {
      it(`${name}: ${vector.id}`, () => {
        for (const route of ROUTES) expectNone(route, replayTraining(vector, { runtime, route }));
      });
    }

    for (const { name, vector } of casesOf<ReductionCase>("reduction")) {
      it(`${name}: ${vector.grad.gen}, ${vector.size} elements`, () => {
        expectNone("clipped", replayReduction(vector, runtime));
      });
    }
  });
}

group("schedules", () => {
  for (const { name, file, vector } of casesOf<ScheduleCase>("schedule")) {
    it(`${name}: ${vector.class_name} ${JSON.stringify(vector.config)}`, () => {
      expectNone(vector.class_name, replaySchedule(vector, vector.steps ?? file.steps!));
    });
  }
});

group("validation", () => {
  for (const { name, vector } of casesOf<ValidationCase>("validation")) {
    it(`${name}: ${vector.target} ${JSON.stringify(vector.kwargs)} is ${vector.result}`, () => {
      expectNone(vector.target, replayValidation(vector));
    });
  }
});
