// The log on a real server: the bits of one process, and what happens when the log is lost, rolled back, cut, deleted or full. In
// these histories every attempt at a gradient has other bits, so that two histories could not look alike.
import { createHash } from "node:crypto";
import { save } from "rmsprop-wasm/checkpoint";
import {
  ConfigurationError,
  LogChangedError,
  LogFullError,
  NoCheckpointError,
  NoRunError,
  type ReplicaEvent,
  replicate,
  ServerSilentError,
  StalledError,
  StateDiffersError,
  work,
} from "rmsprop-wasm/distributed";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Server, version } from "./server.js";
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

let server: Server;
const closing: (() => Promise<unknown>)[] = [];
beforeEach(async () => {
  server = await Server.start();
});
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
  await server.free();
});

const sleep = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));
/** Longer than any test: where an answer's absence is not the matter, none is given up on a busy machine. */
const silence = 120_000;
/** Stalls only offer units again; what is to be waited for must not end before. */
const patient = { stall: 300, stallLimit: 10_000 };
const NAMED = [
  ...[ConfigurationError, LogChangedError, LogFullError, NoCheckpointError, NoRunError],
  ...[ServerSilentError, StalledError, StateDiffersError],
];

async function connected(run: string, options: Parameters<Server["log"]>[1] = {}) {
  const made = await server.log(run, { silence, ...options });
  closing.push(() => made.connection.close());
  return made;
}

/** Workers, each with a connection of its own; what ends them. */
async function startWorkers(run: string, training: Training, isNoisy: boolean, count = 2) {
  const stop = new AbortController();
  const working = Array.from({ length: count }, async () => {
    const { log } = await connected(run);
    for (;;) {
      try {
        return await work(
          log,
          async (unit) => {
            await sleep(2 + 4 * Math.random());
            compute(training, unit);
            const gradient = unit.gradients["layer2/kernel"]!;
            if (isNoisy) gradient[0] = gradient[0]! + Math.random() / 10;
          },
          { patience: 500, signal: stop.signal },
        );
      } catch (error) {
        if (stop.signal.aborted) return 0;
        // Where the log is gone for a while, workers come again.
        if (!(error instanceof NoRunError || error instanceof ServerSilentError)) throw error;
      }
    }
  });
  let isEnded = false;
  const end = async () => {
    if (isEnded) return;
    isEnded = true;
    stop.abort();
    await Promise.all(working);
  };
  closing.unshift(end);
  return end;
}

it(`on ${version()}, every update has the bits of one process, in half precision too`, async () => {
  for (const training of [everything, { ...beyondKeras, dtype: "bfloat16" } as const]) {
    const [trained, one] = [make(training), new OneProcess(training)];
    const { dtype } = training;
    const { log } = await connected(dtype);
    expect(await log.create(save(trained.optimizer), { unit: 0 })).toBe(true);
    expect(await log.create(save(trained.optimizer), { unit: 0 })).toBe(false);
    const end = await startWorkers(dtype, training, false);
    const { events, error } = await drained(
      replicate(log, trained.optimizer, { updates: 30, checkpointEvery: 7, ...patient }),
      ({ type, units }) => {
        if (type !== "checkpoint" && type !== "stall") expect(stateOf(trained)).toBe(one.until(units).state);
      },
    );
    expect(error).toBeUndefined();
    expect(events.at(-1)).toMatchObject({ type: "end", iterations: 30 });
    await end();
  }
});

it("records in many chunks", async () => {
  const training = { ...everything, lengths: [700_000, 3] };
  const [trained, one] = [make(training), new OneProcess(training)];
  const { log } = await connected("chunks");
  await log.create(save(trained.optimizer), { unit: 0 });
  await startWorkers("chunks", training, false);
  const { error } = await drained(replicate(log, trained.optimizer, { updates: 3, checkpointEvery: 2, ...patient }));
  expect(error).toBeUndefined();
  expect(stateOf(trained)).toBe(one.until(12).state);
});

it("of replicas that write checkpoints after other updates, one goes on, and the other is told why", async () => {
  const training = { ...everything, infinite: 0 };
  const trained = [make(training), make(training)] as const;
  await (await connected("schedules")).log.create(save(trained[0].optimizer), { unit: 0 });
  await startWorkers("schedules", training, false);
  const ends = await Promise.all(
    trained.map(async ({ optimizer }, i) => {
      const { log } = await connected("schedules");
      return drained(replicate(log, optimizer, { updates: 20, checkpointEvery: 3 + i, ...patient }));
    }),
  );
  const sound = ends.findIndex(({ error }) => !error);
  expect(ends[1 - sound]?.error).toBeInstanceOf(ConfigurationError);
  expect(ends[1 - sound]?.error?.message).toMatch(/^Another replica has checkpointEvery = [34]; this one has [34]\.$/);
  expect(stateOf(trained[sound]!)).toBe(new OneProcess(training).until(80).state);
});

/** A replica that joins again after `LogChangedError`, and what it told since it last joined: the hash of each state by its units. */
class Replica {
  readonly trained: Trained;
  readonly errors: Error[] = [];
  states = new Map<number, string>();
  units = 0;
  isEnded = false;
  #wanted = { units: Number.POSITIVE_INFINITY, resolve: () => {} };
  readonly done: Promise<void>;

  constructor(
    run: string,
    training: Training,
    updates: number,
    more: (trained: Trained) => Promise<boolean> = async () => false,
  ) {
    this.trained = make(training);
    this.done = this.#follow(run, updates, more);
  }

  async #follow(run: string, updates: number, more: (trained: Trained) => Promise<boolean>): Promise<void> {
    const { log } = await connected(run);
    for (;;) {
      const { events, error } = await drained(
        replicate(log, this.trained.optimizer, { updates, checkpointEvery: 4, ...patient }),
        (event) => this.#hear(event),
      );
      this.isEnded = events.at(-1)?.type === "end";
      if (!error) return;
      this.errors.push(error);
      expect(
        NAMED.some((type) => error instanceof type),
        `${error.stack}`,
      ).toBe(true);
      if (error instanceof NoRunError) {
        if (!(await more(this.trained))) return;
      } else if (!(error instanceof LogChangedError)) return;
    }
  }

  #hear({ type, units }: ReplicaEvent): void {
    if (type === "join") this.states = new Map();
    if (type === "checkpoint" || type === "stall") return;
    this.units = units;
    if (units >= this.#wanted.units) this.#wanted.resolve();
    this.states.set(units, createHash("sha256").update(stateOf(this.trained)).digest("hex"));
  }

  /** Until this many units are applied. */
  reached(units: number): Promise<void> {
    return new Promise((resolve) => {
      this.#wanted = { units, resolve };
    });
  }
}

/** What two replicas say of the same units since each last joined is the same; and they end alike. */
function expectOneHistory(replicas: readonly Replica[]): void {
  const [first, ...others] = replicas as [Replica, ...Replica[]];
  for (const other of others) {
    for (const [units, hash] of other.states) expect(first.states.get(units) ?? hash).toBe(hash);
    expect(stateOf(other.trained)).toBe(stateOf(first.trained));
  }
  for (const replica of replicas) expect(replica.isEnded, String(replica.errors)).toBe(true);
}

describe("a log that changes", { timeout: 120_000 }, () => {
  const training: Training = { ...everything, infinite: 0 };
  const run = "history";
  const UPDATES = 60;

  async function start(options: Parameters<Server["log"]>[1] = {}) {
    const genesis = make(training);
    const { log, manager } = await connected(run, options);
    await log.create(save(genesis.optimizer), { unit: 0 });
    await startWorkers(run, training, true);
    return { manager, genesis };
  }
  const two = (more?: (trained: Trained) => Promise<boolean>) =>
    [1, 2].map(() => new Replica(run, training, UPDATES, more)) as [Replica, Replica];
  const ended = (replicas: readonly Replica[]) => Promise.all(replicas.map(({ done }) => done));

  it("stays as it is", async () => {
    await start();
    const replicas = two();
    await ended(replicas);
    expectOneHistory(replicas);
    expect(replicas.flatMap(({ errors }) => errors)).toEqual([]);
  });

  it("is wiped: every replica ends with an error, and nobody begins anew", async () => {
    await start();
    const replicas = two();
    await replicas[0].reached(40);
    await server.kill();
    server.wipe();
    await server.start();
    await ended(replicas);
    for (const { errors } of replicas) {
      expect(errors.map(({ name }) => name)).toEqual(["LogChangedError", "NoRunError"]);
    }
  });

  it("is wiped, and created again from the memory of one", async () => {
    await start();
    let units = 0;
    let hasCreated = false;
    const again = async (trained: Trained) => {
      if (!hasCreated) {
        hasCreated = true;
        const { log } = await connected(run);
        await log.create(save(trained.optimizer), { unit: units });
      }
      await sleep(200);
      return true;
    };
    const replicas = two(again);
    await replicas[0].reached(40);
    await server.kill();
    units = replicas[0].units;
    server.wipe();
    await server.start();
    await ended(replicas);
    expectOneHistory(replicas);
  });

  it("is rolled back to a copy", async () => {
    await start();
    const replicas = two();
    await replicas[0].reached(30);
    await server.kill();
    const restore = server.copyStore();
    await server.start();
    await replicas[0].reached(70);
    await server.kill();
    restore();
    await server.start();
    await ended(replicas);
    expectOneHistory(replicas);
    expect(replicas.flatMap(({ errors }) => errors).map(({ name }) => name)).toContain("LogChangedError");
  });

  it("is deleted while all live, and made anew with another run", async () => {
    const { manager } = await start();
    const replicas = two();
    await replicas[0].reached(40);
    await manager.streams.delete(run);
    const { log } = await connected(run);
    const other = make(training);
    other.variables[0]!.value[0] = 0.25;
    await log.create(save(other.optimizer), { unit: 0 });
    await ended(replicas);
    for (const { errors } of replicas) expect(errors[0]).toBeInstanceOf(LogChangedError);
    // Who was between the two logs has seen an empty one.
    const sound = replicas.filter(({ isEnded }) => isEnded);
    if (sound.length > 0) expectOneHistory(sound);
    for (const replica of replicas) if (!replica.isEnded) expect(replica.errors.at(-1)).toBeInstanceOf(NoRunError);
  });

  it("loses records out of the middle", async () => {
    const { manager } = await start();
    const replicas = two();
    await replicas[0].reached(40);
    const { state } = await manager.streams.info(run);
    for (let k = 0; k < 6; k++) await manager.streams.deleteMessage(run, state.last_seq - k).catch(() => {});
    await ended(replicas);
    const sound = replicas.filter(({ isEnded }) => isEnded);
    expect(sound.length).toBeGreaterThan(0);
    expectOneHistory(sound);
  });

  it("gets the words of a replica that slept", async () => {
    const { manager } = await start();
    const [first] = two();
    await first.reached(20);
    // Words of a base that is over, with positions that are past and invented.
    const stored = await manager.streams.getMessage(run, { last_by_subj: `${run}.g` });
    const { connection } = await connected(run);
    for (let k = 0; k < 20; k++) {
      const late = new Uint8Array(stored!.data);
      late[8]! += k;
      if (k % 2) late[60]! ^= 1;
      connection.publish(`${run}.g`, late);
      connection.publish(`${run}.a`, late);
      connection.publish(`${run}.g`, late.subarray(0, 7 * k));
      await sleep(20);
    }
    await first.done;
    expect(first.errors).toEqual([]);
    expect(first.isEnded).toBe(true);
  });

  it("is full of gradients: they are refused until the next checkpoint", async () => {
    await start({ messageLimit: 100 });
    const { log } = await connected(run);
    const trained = make(training);
    const { error } = await drained(
      replicate(log, trained.optimizer, { updates: UPDATES, checkpointEvery: 1000, span: 40, ...patient }),
    );
    expect(error).toBeUndefined();
  });

  it("has limits that are too small: that has a name", async () => {
    await start({ messageLimit: 20 });
    const { log } = await connected(run);
    const trained = make(training);
    const { error } = await drained(
      replicate(log, trained.optimizer, {
        updates: UPDATES,
        checkpointEvery: 1000,
        span: 1000,
        stall: 200,
        stallLimit: 5,
      }),
    );
    expect(error).toBeInstanceOf(StalledError);
  });
});

describe("a server that is silent", { timeout: 120_000 }, () => {
  it("is an error for everybody who asks, at any moment", async () => {
    const trained = make(everything);
    const { log: patientLog } = await connected("silent");
    await patientLog.create(save(trained.optimizer), { unit: 0 });
    // A busy machine can be silent for as long: then the errors come before the server is stopped, and are the same.
    const short = async () => (await connected("silent", { silence: 3000 })).log;
    const [log, workers] = [await short(), await short()];
    const working = work(workers, (unit) => compute(everything, unit));
    working.catch(() => {});
    const following = drained(replicate(log, trained.optimizer, patient), ({ iterations }) => {
      if (iterations === 5) server.pause();
    });
    expect((await following).error).toBeInstanceOf(ServerSilentError);
    server.pause();
    await expect(working).rejects.toBeInstanceOf(ServerSilentError);
    await expect(log.create(save(trained.optimizer), { unit: 0 })).rejects.toBeInstanceOf(ServerSilentError);
    const { error } = await drained(replicate(log, trained.optimizer));
    expect(error).toBeInstanceOf(ServerSilentError);
    server.resume();
  });

  it("no more so once it is back, if that is soon", async () => {
    const { log } = await connected("short");
    const trained = make(everything);
    await log.create(save(trained.optimizer), { unit: 0 });
    await startWorkers("short", everything, false);
    let isPaused = false;
    const { events, error } = await drained(
      replicate(log, trained.optimizer, { updates: 20, ...patient }),
      ({ iterations }) => {
        if (iterations < 5 || isPaused) return;
        isPaused = true;
        server.pause();
        setTimeout(() => server.resume(), 1500);
      },
    );
    expect(error).toBeUndefined();
    expect(stateOf(trained)).toBe(new OneProcess(everything).until(events.at(-1)!.units).state);
  });

  it("a run that there is not is told of, and not waited for without end", async () => {
    const { log } = await connected("nobody");
    expect((await drained(replicate(log, make(everything).optimizer))).error).toBeInstanceOf(NoRunError);
    const { log: short } = await connected("nobody", { silence: 5000 });
    await expect(work(short, () => {})).rejects.toBeInstanceOf(NoRunError);
  });
});
