/** Replays one schedule: its rate at every recorded step, by options, by its own `fromConfig` and by `deserialize`. */

import { deserialize, RMSprop } from "rmsprop-wasm";
import { bitsOf } from "./bits.js";
import type { ScheduleCase } from "./format.js";
import { type Mismatch, Mismatches } from "./mismatch.js";
import { makeSchedule } from "./subject.js";

export function replaySchedule(vector: ScheduleCase, steps: readonly number[]): Mismatch[] {
  const found = new Mismatches();
  const { class_name: className, config, serialized } = vector;
  const expected = [...vector.lr_bits];
  for (const { index, spec_bits } of vector.spec_differs) expected[index] = spec_bits;
  const schedules = {
    options: makeSchedule(className, config, true),
    config: makeSchedule(className, config, false),
    serialized: deserialize(serialized as never),
  };
  for (const [route, schedule] of Object.entries(schedules)) {
    for (const [i, step] of steps.entries()) {
      found.equal(`${route}: at(${step})`, bitsOf(schedule.at(step)), expected[i]);
    }
    found.equal(`${route}: getConfig()`, schedule.getConfig?.(), serialized.config);
    const optimizer = new RMSprop({ learningRate: schedule });
    found.equal(`${route}: in the optimizer's getConfig()`, optimizer.getConfig().learning_rate, serialized);
    optimizer.free();
  }
  return found.list;
}
