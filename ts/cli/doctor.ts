// What works on this machine: backends, threads, versions, and whether both backends compute what they must.

import { readFile, realpath } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { dirname, join } from "node:path";
import { arch, argv, platform, versions } from "node:process";
import { crc32 } from "../formats/crc32.js";
import { bytesOf } from "../formats/typed-values.js";
import { backend, createRuntime, RMSprop, type Runtime, Variable } from "../index.js";
import { createThreadedRuntime } from "../threads/index.js";

/** CRC-32 of the values and the state after the self-test, on every machine. */
const EXPECTED = "2e1873a7";
const [SIZE, STEPS] = [1000, 50] as const;

interface SelfTest {
  readonly backend: string;
  readonly ok: boolean;
  readonly result: string;
}

interface Report {
  readonly package: string;
  readonly runtime: string;
  readonly system: string;
  readonly cores: number;
  readonly backend: string;
  readonly threads: string;
  readonly selfTest: readonly SelfTest[];
}

export async function doctor(): Promise<Report> {
  // The script of the command is in dist, and mostly called through a link.
  const script = await realpath(argv[1] as string);
  const { version } = JSON.parse(await readFile(join(dirname(script), "..", "package.json"), "utf8"));
  const [host = "node"] = ["bun", "deno"].filter((name) => versions[name]);
  return {
    package: `rmsprop-wasm ${version}`,
    runtime: `${host} ${versions[host]}`,
    system: `${platform} ${arch}`,
    cores: availableParallelism(),
    backend: backend(),
    threads: await threads(),
    selfTest: (["wasm", "js"] as const).map((name) => selfTest(name, () => createRuntime({ backend: name }))),
  };
}

/** How many threads can share a step, or why none. */
async function threads(): Promise<string> {
  try {
    const runtime = await createThreadedRuntime({ threads: Math.min(availableParallelism(), 64) });
    const count = runtime.threads;
    runtime.free();
    return String(count);
  } catch (error) {
    return `none: ${(error as Error).message}`;
  }
}

/** A short training with every kind of state; its numbers come from a generator that is the same everywhere. */
function selfTest(backend: string, make: () => Runtime): SelfTest {
  try {
    const runtime = make();
    const w = new Variable(noise(SIZE, 1), { name: "w", runtime });
    const optimizer = new RMSprop({
      momentum: 0.9,
      centered: true,
      useEma: true,
      weightDecay: 0.01,
      globalClipnorm: 1,
    });
    optimizer.build([w]);
    for (let step = 0; step < STEPS; step++) optimizer.apply([noise(SIZE, step + 2)]);
    const checksum = [w, ...optimizer.variables].reduce((sum, { value }) => crc32(bytesOf(value), sum), 0);
    optimizer.free();
    w.free();
    const result = checksum.toString(16).padStart(8, "0");
    return {
      backend,
      ok: result === EXPECTED,
      result: result === EXPECTED ? result : `${result}, must be ${EXPECTED}`,
    };
  } catch (error) {
    return { backend, ok: false, result: (error as Error).message };
  }
}

function noise(length: number, seed: number): Float32Array {
  let state = seed;
  return Float32Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  });
}
