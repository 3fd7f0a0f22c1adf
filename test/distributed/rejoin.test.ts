// The log is cut, bitten, replaced or written to by the past, while replicas and workers live. Each ends in equal bits or a named
// error. The five shortest histories are those that test/distributed/explore.ts finds when a check is left out.

import { RMSprop, Variable } from "rmsprop-wasm";
import { inspect, save } from "rmsprop-wasm/checkpoint";
import {
  ConfigurationError,
  LogChangedError,
  memoryLog,
  NoCheckpointError,
  NoRunError,
  replicate,
  ServerSilentError,
  StalledError,
  StateDiffersError,
  work,
} from "rmsprop-wasm/distributed";
import { describe, expect, it } from "vitest";
import { useOwnClock } from "./clock.js";
import {
  beyondKeras,
  compute,
  drained,
  everything,
  make,
  OneProcess,
  stateOf,
  type Trained,
  type Training,
} from "./support.js";

type MemoryLog = ReturnType<typeof memoryLog>;
type Message = NonNullable<MemoryLog["messages"][number]>;

useOwnClock();

const training: Training = {
  ...everything,
  options: { ...everything.options, gradientAccumulationSteps: null },
  growth: null,
  infinite: 0,
};

/** What replicas and workers see of a log. */
const inside = (log: MemoryLog) =>
  log as unknown as {
    open(): Promise<void>;
    append(subject: Message["subject"], frames: readonly Uint8Array[]): Promise<number>;
    next(subject: Message["subject"], sequence: number): Promise<Message | undefined>;
  };

async function newRun(trained: Trained): Promise<MemoryLog> {
  const log = memoryLog();
  expect(await log.create(save(trained.optimizer), { unit: 0 })).toBe(true);
  return log;
}

const options = { checkpointEvery: 1000, stall: 10_000 };

/** A replica that is asked for one event after the other. */
function step(log: MemoryLog, trained: Trained, more: object = {}) {
  const events = replicate(log, trained.optimizer, { ...options, ...more });
  return { next: async () => (await events.next()).value, stop: () => events.return() };
}

/** Workers for as long as `during` runs. */
async function withWorkers<T>(log: MemoryLog, during: () => Promise<T>, disturbed = 0): Promise<T> {
  const stop = new AbortController();
  const worker = work(
    log,
    (unit) => {
      compute(training, unit);
      const gradient = unit.gradients["layer0/kernel"]!;
      gradient[0] = gradient[0]! + disturbed;
    },
    { patience: 100, signal: stop.signal },
  );
  try {
    return await during();
  } finally {
    stop.abort();
    await worker;
  }
}

const of = (log: MemoryLog, subject: Message["subject"]) =>
  log.messages.filter((message): message is Message => message?.subject === subject);

/** The replica's log after so many updates. */
async function run(trained: Trained, updates: number, more: object = {}): Promise<MemoryLog> {
  const log = await newRun(trained);
  const { error } = await withWorkers(log, () =>
    drained(replicate(log, trained.optimizer, { ...options, updates, ...more })),
  );
  if (error) throw error;
  return log;
}

describe("each check", () => {
  it("1: of a log that was cut and written to anew, nothing is read, because the position of the last message is gone", async () => {
    const trained = make(training);
    const log = await newRun(trained);
    const start = log.messages.length;
    const replica = step(log, trained);
    await withWorkers(log, async () => {
      expect(await replica.next()).toMatchObject({ type: "join", units: 0 });
      expect(await replica.next()).toMatchObject({ type: "update", units: 1 });
    });
    const before = stateOf(trained);
    // Another history of as many units, and one more.
    const [genesis, other] = [log.messages.slice(0, start), make(training)];
    const others = memoryLog();
    await inside(others).open();
    others.messages.push(...genesis);
    await withWorkers(
      others,
      () => drained(replicate(others, other.optimizer, { ...options, updates: 3, checkpointEvery: 3 })),
      1,
    );
    log.messages.splice(0, log.messages.length, ...others.messages);
    log.disconnect();
    await expect(replica.next()).rejects.toThrow(LogChangedError);
    expect(stateOf(trained)).toBe(before);
  });

  it("1, at a stall: the same without another consumer", async () => {
    const trained = make(training);
    const log = await newRun(trained);
    const replica = step(log, trained, { stall: 50 });
    await withWorkers(log, async () => {
      for (let i = 0; i < 3; i++) await replica.next();
    });
    // The second gradient, which it has applied, and what came behind.
    log.messages.length = of(log, "gradients")[1]!.sequence - 1;
    await expect(replica.next().then((event) => (event?.type === "stall" ? replica.next() : event))).rejects.toThrow(
      LogChangedError,
    );
  });

  it("2: a gradient of other values does not count, whatever its unit", async () => {
    const trained = make(training);
    const log = await run(trained, 2);
    const late = of(log, "gradients")[1]!;
    // A rollback to the beginning; then the second unit's old gradient arrives behind another first one.
    const again = make(training);
    log.messages.length = of(log, "gradients")[0]!.sequence - 1;
    const replica = step(log, again, { stall: 100 });
    const update = async () => {
      for (let event = await replica.next(); event?.type !== "update"; ) event = await replica.next();
    };
    await replica.next();
    await withWorkers(log, update, 1);
    const state = stateOf(again);
    await inside(log).append("gradients", [late.bytes]);
    await withWorkers(log, update);
    await replica.stop();
    expect(again.optimizer.iterations).toBe(2);
    expect(stateOf(again)).not.toBe(state);

    // Without the late record, a joiner comes to the same state: it did not count.
    const isLate = ({ bytes }: Message) => Buffer.compare(bytes, late.bytes) === 0;
    const [found] = of(log, "gradients").filter(isLate);
    log.messages[found!.sequence - 1] = undefined;
    const joined = make(training);
    const second = step(log, joined);
    for (let i = 0; i < 3; i++) await second.next();
    expect(stateOf(joined)).toBe(stateOf(again));
    await second.stop();
  });

  it("3: an announcement of a history that is gone is void", async () => {
    const log = await run(make(training), 4, { checkpointEvery: 2 });
    const [kept, lost] = of(log, "announcement") as [Message, Message];
    // The log loses everything behind its first checkpoint; then the announcement arrives that was under way, and its chunks.
    const chunks = of(log, "checkpoint").filter(({ sequence }) => sequence > kept.sequence);
    log.messages.length = kept.sequence;
    await inside(log).append(
      "checkpoint",
      chunks.map(({ bytes }) => bytes),
    );
    await inside(log).append("announcement", [lost.bytes]);
    const joined = make(training);
    const replica = step(log, joined);
    expect(await replica.next()).toMatchObject({ type: "join", units: 2 });
    expect(stateOf(joined)).toBe(new OneProcess(training).until(2).state);
    await replica.stop();
  });

  it("4: an announcement of one's own that arrived in a log that is not one's own is no success", async () => {
    const trained = make(training);
    const log = await newRun(trained);
    const hidden = inside(log);
    const next = hidden.next.bind(log);
    let isCut = false;
    hidden.next = async (subject, sequence) => {
      const found = await next(subject, sequence);
      // Found; and by then the log has lost everything before, gradients too.
      if (found && subject === "announcement" && sequence > 1 && !isCut) {
        isCut = true;
        const [keep] = of(log, "announcement");
        log.messages.fill(undefined, keep!.sequence, found.sequence - 1);
      }
      return found;
    };
    const { events, error } = await withWorkers(log, () =>
      drained(replicate(log, trained.optimizer, { ...options, updates: 2, checkpointEvery: 1 })),
    );
    expect(isCut).toBe(true);
    expect(error).toBeInstanceOf(LogChangedError);
    expect(events.map(({ type }) => type)).not.toContain("end");
  });

  it("5: of two checkpoints of one unit, one stands", async () => {
    const trained = make(training);
    const log = await newRun(trained);
    const replica = step(log, trained, { updates: 2, checkpointEvery: 2 });
    await withWorkers(log, async () => {
      await replica.next();
      await replica.next();
    });
    // The record that it has applied is bitten out. Others come to other values, and to a checkpoint.
    const [bitten] = of(log, "gradients");
    log.messages[bitten!.sequence - 1] = undefined;
    const other = make(training);
    const { error } = await withWorkers(
      log,
      () => drained(replicate(log, other.optimizer, { ...options, updates: 2, checkpointEvery: 2, stall: 100 })),
      1,
    );
    expect(error).toBeUndefined();
    const rest = await withWorkers(log, async () => {
      const seen: string[] = [];
      try {
        for (let event = await replica.next(); event; event = await replica.next()) seen.push(event.type);
      } catch (thrown) {
        return { seen, thrown };
      }
      return { seen, thrown: undefined };
    });
    expect(rest.thrown).toBeInstanceOf(LogChangedError);
    expect(rest.seen).not.toContain("end");
  });

  it("5: the same position and another state is a broken replica", async () => {
    const [sound, broken] = [make(training), make(training)];
    const log = await newRun(sound);
    const replica = step(log, broken, { updates: 2 });
    await withWorkers(log, async () => {
      await replica.next();
      await drained(replicate(log, sound.optimizer, { ...options, updates: 2 }));
    });
    const finish = async () => {
      for (let event = await replica.next(); event; event = await replica.next()) {
        // A bit of a slot flips, as memory does.
        if (event.units === 1) broken.optimizer.slot("velocity", broken.variables[0]!)![0]! += 1;
      }
    };
    await expect(finish()).rejects.toThrow(StateDiffersError);
  });
});

describe("joining", () => {
  it("is an error where there is no run", async () => {
    const { error } = await drained(replicate(memoryLog(), make(training).optimizer));
    expect(error).toBeInstanceOf(NoRunError);
  });

  it("takes the newest checkpoint, or the one before if its chunks are lost, or none", async () => {
    const log = await run(make(training), 6, { checkpointEvery: 2 });
    const start = async () => {
      const joined = make(training);
      const replica = step(log, joined, { updates: 6 });
      const event = await replica.next();
      expect(stateOf(joined)).toBe(new OneProcess(training).until(event!.units).state);
      await replica.stop();
      return event!.units;
    };
    expect(await start()).toBe(6);
    const lose = () => {
      log.messages[of(log, "checkpoint").at(-1)!.sequence - 1] = undefined;
    };
    lose();
    expect(await start()).toBe(4);
    lose();
    await expect(start()).rejects.toThrow(NoCheckpointError);
  });

  it("looks again where others have dropped the checkpoints that it was about to load", async () => {
    const log = await run(make(training), 4, { checkpointEvery: 2 });
    const others = make(training);
    const hidden = inside(log);
    const next = hidden.next.bind(log);
    let isOvertaken = false;
    hidden.next = async (subject, sequence) => {
      if (subject === "checkpoint" && !isOvertaken) {
        isOvertaken = true;
        const more = { ...options, updates: 20, checkpointEvery: 2 };
        await withWorkers(log, () => drained(replicate(log, others.optimizer, more)));
      }
      return next(subject, sequence);
    };
    const joined = make(training);
    const replica = step(log, joined, { updates: 20 });
    expect(await replica.next()).toMatchObject({ type: "join", units: 20 });
    expect(isOvertaken).toBe(true);
    expect(stateOf(joined)).toBe(stateOf(others));
    await replica.stop();
  });

  it("drops all but the last two checkpoints, and what is before them", async () => {
    const log = await run(make(training), 20, { checkpointEvery: 2 });
    // An announcement can stand behind the position of the next checkpoint.
    expect(of(log, "announcement").length).toBeLessThanOrEqual(3);
    expect(of(log, "gradients").length).toBeLessThanOrEqual(6);
    expect(log.messages.length).toBeGreaterThan(40);
  });

  it("of another configuration is an error that says which", async () => {
    const log = await newRun(make(training));
    const other = make({ ...training, options: { ...training.options, momentum: 0.5 } });
    const { error } = await drained(replicate(log, other.optimizer));
    expect(error).toBeInstanceOf(ConfigurationError);
    expect(error?.message).toBe("The run has momentum = 0.9; this optimizer has 0.5.");
  });

  it("of other overrides is an error, and of the same ones none", async () => {
    const overridden = () => {
      const made = make(training);
      made.optimizer.override({ paths: ["^layer1/"] }, { learningRateMultiplier: 0.5 });
      return made;
    };
    const trained = overridden();
    const log = await run(trained, 2);
    const { error } = await drained(replicate(log, make(training).optimizer));
    expect(error).toBeInstanceOf(ConfigurationError);
    expect(error?.message).toContain('{"layer1/kernel":{"learningRateMultiplier":0.5}}');
    const joined = overridden();
    const replica = step(log, joined);
    await replica.next();
    expect(stateOf(joined)).toBe(stateOf(trained));
    await replica.stop();
  });

  it.each([
    { maximize: true },
    { weightDecayMode: "coupled" },
    { initialVelocity: 1 },
    { epsilonMode: "outside" },
    { momentumMode: "torch" },
  ] as const)("of other options that Keras does not have, such as %o, is an error that says which", async (beyond) => {
    const other = { ...training, options: { ...training.options, ...beyond } };
    const log = await run(make(other), 2);
    const { error } = await drained(replicate(log, make(training).optimizer));
    expect(error).toBeInstanceOf(ConfigurationError);
    const [[name, value]] = Object.entries(beyond) as [[string, unknown]];
    const key = name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
    expect(error?.message).toBe(`The run has ${key} = ${JSON.stringify(value)}; this optimizer has none.`);
  });

  it("takes an optimizer that is made from the run's configuration, and measures what it is asked to", async () => {
    const { options: beyond, overrides } = beyondKeras;
    const all = { ...training, options: { ...beyond, gradientAccumulationSteps: null }, overrides };
    const trained = make(all);
    const log = await run(trained, 3);
    const { optimizer: config, overrides: byPath } = inspect(save(trained.optimizer));
    const joined = { optimizer: RMSprop.fromConfig(config), variables: make(training).variables };
    joined.optimizer.build(joined.variables);
    for (const [path, others] of Object.entries(byPath)) {
      joined.optimizer.override({ paths: [`^${path}$`] }, others);
    }
    const ends = await withWorkers(log, () =>
      Promise.all(
        [trained, joined].map(({ optimizer }) => drained(replicate(log, optimizer, { ...options, updates: 6 }))),
      ),
    );
    expect(ends.map(({ error }) => error)).toEqual([undefined, undefined]);
    expect(stateOf(joined)).toBe(new OneProcess(all).until(6).state);
    expect(stateOf(trained)).toBe(stateOf(joined));
    expect(trained.optimizer.lastStep?.updateNorm).toBeGreaterThan(0);
    expect(joined.optimizer.lastStep?.updateNorm).toBeNull();
  });

  it("of another type of gradients is an error, once a replica has written a checkpoint", async () => {
    const log = await run(make(training), 2);
    const { error } = await drained(replicate(log, make({ ...training, dtype: "float16" }).optimizer));
    expect(error).toBeInstanceOf(ConfigurationError);
  });

  it("does not depend on names that are counted up", async () => {
    const [first, second] = [make(training), make(training)];
    expect(first.optimizer.name).not.toBe(second.optimizer.name);
    const log = await newRun(first);
    const ends = await withWorkers(log, () =>
      Promise.all(
        [first, second].map(({ optimizer }) =>
          drained(replicate(log, optimizer, { ...options, updates: 5, checkpointEvery: 2 })),
        ),
      ),
    );
    for (const { events, error } of ends) {
      expect(error).toBeUndefined();
      expect(events.at(-1)?.type).toBe("end");
    }
    expect(stateOf(first)).toBe(stateOf(second));
  });
});

describe("replicas with other schedules", () => {
  it.each([{ checkpointEvery: 2 }, { span: 3 }, { updates: 7 }])(
    "%o: one goes on, and the other is told why",
    async (other) => {
      const usual = { checkpointEvery: 3, span: 1000, updates: 12 };
      const trained = [make(training), make(training)] as const;
      const log = await newRun(trained[0]);
      const [ours, theirs] = await withWorkers(log, () =>
        Promise.all(
          [usual, { ...usual, ...other }].map((schedule, i) =>
            drained(replicate(log, trained[i]!.optimizer, { stall: 10_000, ...schedule })),
          ),
        ),
      );
      const [failed, sound] = ours!.error ? [ours!, theirs!] : [theirs!, ours!];
      const [name] = Object.keys(other) as [keyof typeof usual];
      const numbers = `(${usual[name]}|${Object.values(other)[0]})`;
      expect(failed.error).toBeInstanceOf(ConfigurationError);
      expect(failed.error?.message).toMatch(
        RegExp(`^Another replica has ${name} = ${numbers}; this one has ${numbers}\\.$`),
      );
      expect(sound.error).toBeUndefined();
      expect(sound.events.at(-1)?.type).toBe("end");
    },
  );

  it("may take a run further, with another schedule, when it is over", async () => {
    const log = await run(make(training), 4, { checkpointEvery: 3 });
    const joined = make(training);
    const { error } = await withWorkers(log, () =>
      drained(replicate(log, joined.optimizer, { ...options, updates: 9, checkpointEvery: 2 })),
    );
    expect(error).toBeUndefined();
    expect(stateOf(joined)).toBe(new OneProcess(training).until(9).state);
  });
});

describe("beginning", () => {
  it("twice at once makes one run", async () => {
    const log = memoryLog();
    const checkpoints = [1, 2].map((value) => {
      const optimizer = new RMSprop();
      optimizer.build([new Variable(value, { path: "w" })]);
      return save(optimizer);
    });
    const created = await Promise.all(checkpoints.map((checkpoint) => log.create(checkpoint, { unit: 0 })));
    expect(created.filter(Boolean)).toHaveLength(1);
    expect(of(log, "announcement")).toHaveLength(1);
    expect(await log.create(checkpoints[0]!, { unit: 0 })).toBe(false);
  });

  it("refuses what is no checkpoint, and no unit", async () => {
    const log = memoryLog();
    await expect(log.create([] as never, { unit: 0 })).rejects.toThrow(TypeError);
    await expect(log.create(new Uint8Array(), { unit: -1 })).rejects.toThrow(RangeError);
    await expect(log.create(new Uint8Array(), {} as never)).rejects.toThrow(TypeError);
    expect(log.messages).toEqual([]);
  });

  it("goes on from a file", async () => {
    const first = make(training);
    await run(first, 5);
    const log = memoryLog();
    await log.create(save(first.optimizer), { unit: 5 });
    const second = make(training);
    await withWorkers(log, () => drained(replicate(log, second.optimizer, { ...options, updates: 9 })));
    expect(stateOf(second)).toBe(new OneProcess(training).until(9).state);
  });
});

it("without workers, a replica offers units anew, and at last gives up", async () => {
  const trained = make(training);
  const log = await newRun(trained);
  const { events, error } = await drained(replicate(log, trained.optimizer, { stall: 20, stallLimit: 3 }));
  expect(events.map(({ type }) => type)).toEqual(["join", "stall", "stall", "stall"]);
  expect(error).toBeInstanceOf(StalledError);
});

describe("replicate", () => {
  const log = memoryLog();

  it("refuses rates that may differ elsewhere, unless they are said not to", () => {
    for (const learningRate of [() => 0.1, { at: () => 0.1 }]) {
      const { optimizer } = make({ ...training, options: { learningRate } });
      expect(() => replicate(log, optimizer)).toThrow(TypeError);
      expect(() => replicate(log, optimizer, { sameEverywhere: true })).not.toThrow();
    }
    const scaled = make({ ...training, growth: 3, options: { learningRate: () => 0.1 } });
    expect(() => replicate(log, scaled.optimizer)).toThrow(TypeError);
  });

  it("refuses what is no log, no optimizer, or not built", () => {
    const { optimizer } = make(training);
    expect(() => replicate({} as never, optimizer)).toThrow("Argument `log` must be made by `natsLog` or `memoryLog`");
    expect(() => replicate(log, {} as never)).toThrow(TypeError);
    expect(() => replicate(log, new RMSprop())).toThrow("is not built");
    expect(() => replicate(log, optimizer, { updates: -1 })).toThrow(RangeError);
    expect(() => replicate(log, optimizer, { span: 0 })).toThrow(RangeError);
    expect(() => replicate(log, optimizer, { compute: 1 as never })).toThrow(
      "Argument `compute` must be a function; received 1",
    );
    expect(() => replicate(log, optimizer, { patience: 0 })).toThrow(RangeError);
    expect(() => replicate(log, optimizer, { workers: 1 as never })).toThrow("`workers` must be a boolean");
    expect(() => replicate(log, optimizer, { every: 1 } as never)).toThrow(TypeError);
  });
});

describe("work", () => {
  it("ends with what its function throws, and another worker gets the unit", async () => {
    const trained = make(training);
    const log = await newRun(trained);
    const failing = work(
      log,
      () => {
        throw new Error("no data");
      },
      { patience: 50 },
    );
    const events = drained(replicate(log, trained.optimizer, { ...options, updates: 2 }));
    await expect(failing).rejects.toThrow("no data");
    await withWorkers(log, () => events);
    expect(stateOf(trained)).toBe(new OneProcess(training).until(2).state);
  });

  it("refuses gradients of another size, and none at all", async () => {
    for (const wrong of [new Float32Array(2), null]) {
      const trained = make({ ...training, lengths: [1] });
      const log = await newRun(trained);
      const stop = new AbortController();
      const events = drained(replicate(log, trained.optimizer, { ...options, signal: stop.signal }));
      const worker = work(log, ({ gradients }) => {
        gradients["layer0/kernel"] = wrong;
      });
      await expect(worker).rejects.toThrow(RangeError);
      stop.abort();
      await events;
    }
  });

  it("computes one unit, and no more, while the gradient before it is being stored", async () => {
    const wide = { ...training, options: { ...training.options, gradientAccumulationSteps: 3 } };
    const trained = make(wide);
    const log = await newRun(trained);
    const hidden = inside(log);
    const append = hidden.append.bind(log);
    let store = () => {};
    const stored = new Promise<void>((resolve) => {
      store = resolve;
    });
    hidden.append = async (subject, frames) => {
      if (subject === "gradients") await stored;
      return append(subject, frames);
    };
    const computed: number[] = [];
    const worker = work(log, (unit) => {
      computed.push(unit.unit);
      compute(wide, unit);
    });
    const events = drained(replicate(log, trained.optimizer, { ...options, updates: 1 }));
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(computed).toEqual([0, 1]);
    store();
    await events;
    expect(await worker).toBe(3);
    expect(stateOf(trained)).toBe(new OneProcess(wide).until(3).state);
  });

  it("ends where the server is silent about a gradient", async () => {
    const trained = make(training);
    const log = await newRun(trained);
    const hidden = inside(log);
    hidden.append = async () => {
      throw new ServerSilentError();
    };
    const stop = new AbortController();
    const events = drained(replicate(log, trained.optimizer, { ...options, stall: 50, signal: stop.signal }));
    await expect(work(log, (unit) => compute(training, unit), { patience: 20 })).rejects.toThrow(ServerSilentError);
    stop.abort();
    await events;
  });

  it("ends with the run, though a slower replica's values came behind the last ones", async () => {
    const log = await newRun(make(training));
    const hidden = log as unknown as { publishValues(frames: readonly Uint8Array[], id: string): Promise<void> };
    const publish = hidden.publishValues.bind(log);
    let stale: readonly Uint8Array[] | undefined;
    hidden.publishValues = async (frames, id) => {
      stale ??= frames.map((bytes) => bytes.slice());
      return publish(frames, id);
    };
    const end = () => drained(replicate(log, make(training).optimizer, { ...options, updates: 2 }));
    await withWorkers(log, end);
    await publish(stale!, "another attempt");
    const slow = work(log, (unit) => compute(training, unit));
    await end();
    expect(await slow).toBe(0);
  });

  it("says when a gradient is of no use any more", async () => {
    const trained = make(training);
    const log = await newRun(trained);
    const aborted: number[] = [];
    const slow = work(
      log,
      ({ unit, signal }) =>
        new Promise((_, reject) => {
          signal.addEventListener("abort", () => {
            aborted.push(unit);
            reject(new Error("stopped"));
          });
        }),
      { patience: 20 },
    );
    const events = drained(replicate(log, trained.optimizer, { ...options, updates: 3 }));
    await withWorkers(log, () => events);
    expect(await slow).toBe(0);
    expect(aborted.length).toBeGreaterThan(0);
  });
});
