// Replicas that compute: no values travel. Each process has the bits of one process, units are shared out without a message, and no
// user's function, loop or error makes them wait for each other.
import { save } from "rmsprop-wasm/checkpoint";
import {
  ConfigurationError,
  LogChangedError,
  memoryLog,
  type ReplicateOptions,
  replicate,
  work,
} from "rmsprop-wasm/distributed";
import { describe, expect, it } from "vitest";
import { UnitChoice } from "../../ts/distributed/unit-choice.js";
import { useOwnClock } from "./clock.js";
import { compute, drained, everything, make, OneProcess, stateOf, type Training } from "./support.js";

useOwnClock();

const sleep = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));
const wide = (gradientAccumulationSteps: number | null): Training => ({
  ...everything,
  options: { ...everything.options, gradientAccumulationSteps },
});
const patient = { updates: 20, checkpointEvery: 3, patience: 200, stall: 500 };

async function newRun(training: Training) {
  const log = memoryLog();
  await log.create(save(make(training).optimizer), { unit: 0 });
  return log;
}

/** A replica that computes: its events, and the units that it was asked for. */
function peer(log: ReturnType<typeof memoryLog>, training: Training, more: ReplicateOptions = {}) {
  const [trained, units] = [make(training), [] as number[]];
  const computing: ReplicateOptions = {
    compute(unit) {
      units.push(unit.unit);
      compute(training, unit);
    },
    workers: false,
    ...patient,
    ...more,
  };
  const one = new OneProcess(training);
  const ended = drained(replicate(log, trained.optimizer, computing), ({ type, units }) => {
    if (type !== "checkpoint" && type !== "stall") expect(stateOf(trained)).toBe(one.until(units).state);
  });
  return { trained, units, ended };
}

it.each([
  [1, 4, false],
  [2, 2, false],
  [3, 8, false],
  [2, 4, true],
])("%i of them, %i units an update, workers: %s", async (count, steps, workers) => {
  const training = wide(steps);
  const log = await newRun(training);
  const peers = Array.from({ length: count }, () => peer(log, training, { workers }));
  const stop = new AbortController();
  const worker = workers ? work(log, (unit) => compute(training, unit), { signal: stop.signal }) : 0;
  for (const { ended } of peers) {
    const { events, error } = await ended;
    expect(error).toBeUndefined();
    expect(events.at(-1)).toMatchObject({ type: "end", iterations: 20 });
  }
  stop.abort();
  if (workers) expect(await worker).toBeGreaterThan(0);
});

it("publish no values and no units, and a worker is told so", async () => {
  const log = await newRun(wide(2));
  const hidden = log as unknown as { publishTickets(): Promise<void> };
  hidden.publishTickets = () => Promise.reject(new Error("a unit was offered"));
  const early = work(log, () => {});
  const { ended } = peer(log, wide(2), { updates: 3 });
  await expect(early).rejects.toThrow(ConfigurationError);
  expect((await ended).error).toBeUndefined();
  await expect(work(log, () => {})).rejects.toThrow("The run's replicas have `workers: false`.");
});

it("have the same bits where they differ in `workers`", async () => {
  const [log, training] = [await newRun(wide(4)), wide(4)];
  for (const { ended } of [true, false].map((workers) => peer(log, training, { workers }))) {
    expect((await ended).error).toBeUndefined();
  }
});

describe("compute", () => {
  it("has values of its own: what it does to them is nothing to the state", async () => {
    const training = wide(null);
    const { ended } = peer(await newRun(training), training, {
      compute(unit) {
        compute(training, unit);
        for (const values of Object.values(unit.values)) values.fill(Number.NaN);
      },
    });
    expect((await ended).error).toBeUndefined();
  });

  it.each([
    ["throws", () => void expect.fail("no data"), "no data"],
    ["rejects", () => Promise.reject(new Error("no data")), "no data"],
    [
      "gives no gradient",
      ({ gradients }) => {
        for (const path of Object.keys(gradients)) gradients[path] = null;
      },
      "no gradient",
    ],
    [
      "gives one of another size",
      ({ gradients }) => {
        gradients["layer0/kernel"] = new Float32Array(2);
      },
      "7 numbers",
    ],
  ] as [string, ReplicateOptions["compute"], string][])(
    "that %s ends the replica, and another goes on",
    async (_, wrong, text) => {
      const training = wide(2);
      const log = await newRun(training);
      const { ended } = peer(log, training, { compute: wrong });
      expect(String((await ended).error)).toContain(text);
      expect((await peer(log, training).ended).error).toBeUndefined();
    },
  );

  it("hears when its gradient is of no use any more", async () => {
    const training = wide(2);
    const log = await newRun(training);
    const aborted: number[] = [];
    const slow = peer(log, training, {
      compute: ({ unit, signal }) =>
        new Promise((_, reject) => {
          signal.addEventListener("abort", () => {
            aborted.push(unit);
            reject(new Error("stopped"));
          });
        }),
    });
    const { ended } = peer(log, training);
    expect((await ended).error).toBeUndefined();
    expect((await slow.ended).error).toBeUndefined();
    expect(aborted.length).toBeGreaterThan(0);
  });
});

describe("the loop", () => {
  it("may be slow: its own units are computed meanwhile, and none twice", async () => {
    const training = { ...wide(2), growth: null, infinite: 0 };
    const log = await newRun(training);
    const [trained, units] = [make(training), [] as number[]];
    const events = replicate(log, trained.optimizer, {
      ...patient,
      ...{ updates: 4, workers: false },
      compute(unit) {
        units.push(unit.unit);
        compute(training, unit);
      },
    });
    for await (const { type, units: applied } of events) {
      await sleep(1000);
      if (type === "update" && applied < 8) expect(units).toContain(applied);
    }
    expect(units.sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  });

  it("may be slower than two checkpoints of others: then the replica ends, and joins again", async () => {
    const training = wide(2);
    const log = await newRun(training);
    const slow = replicate(log, make(training).optimizer, { ...patient, workers: false });
    expect((await slow.next()).value).toMatchObject({ type: "join" });
    expect((await peer(log, training, { updates: 19 }).ended).error).toBeUndefined();
    expect((await drained(slow)).error).toBeInstanceOf(LogChangedError);
    expect((await peer(log, training).ended).error).toBeUndefined();
  });

  it("may end early, also while a unit is computed", async () => {
    const training = wide(2);
    const log = await newRun(training);
    let aborted = false;
    const events = replicate(log, make(training).optimizer, {
      ...{ workers: false, stall: 100 },
      compute: ({ signal }) =>
        new Promise(() => {
          signal.addEventListener("abort", () => {
            aborted = true;
          });
        }),
    });
    for await (const { type } of events) {
      if (type === "stall") break;
    }
    expect(aborted).toBe(true);
    expect((await peer(log, training).ended).error).toBeUndefined();
  });
});

it("what one that died used to compute goes to others after `patience`, and is computed once", async () => {
  const training = { ...wide(4), growth: null, infinite: 0 };
  const log = await newRun(training);
  const stop = new AbortController();
  const dying = peer(log, training, { updates: 60, signal: stop.signal });
  const units: number[] = [];
  const { ended } = peer(log, training, {
    updates: 60,
    compute(unit) {
      units.push(unit.unit);
      if (units.length === 40) stop.abort();
      compute(training, unit);
    },
  });
  await dying.ended;
  const died = units[40]!;
  const { events, error } = await ended;
  expect(error).toBeUndefined();
  const until = Array.from({ length: 240 - died - 4 }, (_, i) => died + 4 + i);
  expect(units.filter((unit) => unit >= died + 4).sort((a, b) => a - b)).toEqual(until);
  expect(events.filter(({ type, stalledMs }) => type === "update" && stalledMs >= 200).length).toBeLessThanOrEqual(1);
});

it.each([
  ["as fast as the others", 1],
  ["three times as slow", 3],
])("four share out 16 units, one of them %s", async (_, slowness) => {
  const [updates, units, count, unitMs] = [50, 16, 4, 100];
  const training = { ...wide(units), growth: null, infinite: 0, options: { gradientAccumulationSteps: units } };
  const log = await newRun(training);
  let computed = 0;
  const began = performance.now();
  const peers = Array.from({ length: count }, (_, i) => {
    return peer(log, training, {
      ...{ updates, patience: 1000, stall: 20_000 },
      async compute(unit) {
        computed += 1;
        await sleep(unitMs * (i === 0 ? slowness : 1) * (0.8 + 0.4 * Math.random()));
        compute(training, unit);
      },
    });
  });
  for (const { ended } of peers) expect((await ended).error).toBeUndefined();
  const ideal = (updates * units * unitMs) / (count - 1 + 1 / slowness);
  // As a queue does it: 1.06 and 1.26 times the ideal. Units computed twice: 1 % and 6 %.
  expect((performance.now() - began) / ideal).toBeLessThan(1.3);
  expect(computed / (updates * units)).toBeLessThan(1.2);
});

describe("choosing", () => {
  const of = (choice: UnitChoice, missing: number[], { base = "a", idle = 0 } = {}) =>
    choice.next({ base, first: 8, missing, idle });

  it("is of one's own units in order, then of those whose owner has an earlier one to do", () => {
    const [mine, other] = [new UnitChoice(100), new UnitChoice(100)];
    [mine, other, mine, other].forEach((who, index) => void mine.taken(index, who.attempt()));
    const all = [8, 9, 10, 11];
    expect([of(mine, all), of(mine, all), of(mine, all), of(mine, all)]).toEqual([8, 10, 11, undefined]);
    expect(of(mine, [9], { idle: 99 })).toBeUndefined();
    expect(of(mine, [9], { idle: 100 })).toBe(9);
    expect(of(mine, [9], { idle: 199 })).toBeUndefined();
    expect(of(mine, [9], { idle: 200 })).toBe(9);
    expect(of(mine, all, { base: "b" })).toBe(8);
  });

  it("is of any unit as long as nobody is known", () => {
    const seen = new Set(Array.from({ length: 100 }, () => of(new UnitChoice(100), [8, 9, 10])));
    expect([...seen].sort()).toEqual([10, 8, 9]);
  });
});
