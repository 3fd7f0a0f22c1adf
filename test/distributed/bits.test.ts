// Whatever the log holds (records in any order, twice, late, in pieces, of other bits), a replica's state after every update is
// that of one process that applies units in order.
import * as fc from "fast-check";
import { CosineDecay } from "rmsprop-wasm";
import { save } from "rmsprop-wasm/checkpoint";
import { memoryLog, replicate, type Unit, work } from "rmsprop-wasm/distributed";
import { expect, it } from "vitest";
import { options, overrides } from "../property/arbitraries.js";
import { useOwnClock } from "./clock.js";
import {
  beyondKeras,
  compute,
  drained,
  everything,
  free,
  make,
  OneProcess,
  stateOf,
  type Training,
} from "./support.js";

useOwnClock();

type MemoryLog = ReturnType<typeof memoryLog>;
type Append = (subject: string, frames: readonly Uint8Array[], options?: object) => Promise<number | undefined>;

/** Every gradient's chunks come in any order, between those of others, some of them twice, some a long time later once more. */
function disturb(log: MemoryLog, seed: number): void {
  const hidden = log as unknown as { append: Append };
  const append = hidden.append.bind(log);
  let state = seed;
  const draw = (below: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state >>> 8) % below;
  };
  const late: Uint8Array[] = [];
  hidden.append = async (subject, frames, given) => {
    if (subject !== "gradients") return append(subject, frames, given);
    const shuffled = [...frames];
    for (let i = shuffled.length - 1; i > 0; i--) {
      const k = draw(i + 1);
      [shuffled[i], shuffled[k]] = [shuffled[k]!, shuffled[i]!];
    }
    for (const frame of shuffled) {
      if (draw(3) === 0) await append(subject, [frame]);
      // Another attempt, of other bits: it is whole never, or too late.
      const other = frame.slice();
      other[8]! ^= 1 + draw(100);
      if (frames.length > 1 && draw(2) === 0) await append(subject, [other]);
      if (late.length > 0 && draw(2) === 0) await append(subject, [late[draw(late.length)]!]);
      await append(subject, [frame]);
      late.push(frame);
      await new Promise((resolve) => setImmediate(resolve));
    }
    return 1;
  };
}

/** Runs a training on a log, and compares after every update; `peers` replicas compute, or workers. */
async function compare(
  training: Training,
  updates: number,
  chunkBytes: number,
  seed: number,
  peers = 0,
): Promise<number> {
  const [trained, one] = [make(training), new OneProcess(training)];
  const log = memoryLog({ chunkBytes });
  await log.create(save(trained.optimizer), { unit: 0 });
  disturb(log, seed);
  const stop = new AbortController();
  const { signal } = stop;
  // What is stored in pieces takes long on a clock that runs only between them.
  const [patience, stall] = peers ? [5000, 20_000] : [200, 500];
  const computing = (unit: Unit) => compute(training, unit);
  const workers = peers ? [] : [1, 2, 3].map(() => work(log, computing, { patience, signal }));
  let compared = 0;
  const computed = peers ? { compute: computing, patience, workers: false } : {};
  const given = { updates, checkpointEvery: 3, stall, signal, ...computed };
  const others = Array.from({ length: Math.max(0, peers - 1) }, () => make(training));
  const following = others.map(({ optimizer }) => drained(replicate(log, optimizer, given)));
  const events = replicate(log, trained.optimizer, given);
  const { error } = await drained(events, ({ type, units }) => {
    if (type === "checkpoint" || type === "stall") return;
    expect(stateOf(trained)).toBe(one.until(units).state);
    compared += 1;
    // Where values are not finite any more, a scaled loss never is, and there is no further update.
    if (units >= 10 * updates) stop.abort();
  });
  stop.abort();
  await Promise.all(workers);
  if (error) throw error;
  for (const { error } of await Promise.all(following)) if (error) throw error;
  expect(one.units).toBeGreaterThanOrEqual(updates);
  one.free();
  for (const each of [trained, ...others]) free(each);
  return compared;
}

const training: fc.Arbitrary<Training> = fc.record({
  options,
  dtype: fc.constantFrom("float32", "float32", "float16", "bfloat16"),
  lengths: fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 2, maxLength: 4 }),
  growth: fc.constantFrom(null, 1, 2, 3, 7),
  infinite: fc.constantFrom(0, 2, 5, 7),
  absent: fc.constantFrom(0, 1, 3),
  constrained: fc.boolean(),
  overwritten: fc.boolean(),
  overrides: fc.array(overrides, { maxLength: 2 }),
});

it("with any options", { timeout: 120_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(
      training,
      fc.integer({ min: 1, max: 8 }),
      fc.constantFrom(17, 100, 2 ** 20),
      fc.nat(),
      fc.nat(3),
      async (drawn, updates, chunkBytes, seed, peers) => {
        // Without a loss scale, what is not finite stays: then nothing more is to be seen.
        const sound = drawn.growth === null ? { ...drawn, infinite: 0 } : drawn;
        await compare(sound, updates, chunkBytes, seed, peers);
      },
    ),
    { numRuns: 60 },
  );
});

it.each([null, 4, 8])("with everything on, %s units an update", async (gradientAccumulationSteps) => {
  for (const dtype of ["float32", "bfloat16"] as const) {
    const learningRate = new CosineDecay({
      initialLearningRate: 0,
      decaySteps: 100,
      warmupTarget: 0.05,
      warmupSteps: 20,
    });
    for (const all of [everything, beyondKeras]) {
      const options = { ...all.options, gradientAccumulationSteps, learningRate };
      for (const peers of [0, 3]) {
        expect(await compare({ ...all, dtype, options }, 40, 64, 1, peers)).toBeGreaterThan(41);
      }
    }
  }
});

it.each(["constrained", "overwritten"])("with %s variables, whose values change at every call", async (what) => {
  expect(await compare({ ...everything, [what]: true }, 10, 64, 1)).toBeGreaterThan(10);
});
