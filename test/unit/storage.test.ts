// Checkpoints on disk: whatever is killed at whatever moment, the file holds a whole checkpoint, and no saved step is lost.
import { spawn } from "node:child_process";
import {
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { RMSprop, Variable } from "rmsprop-wasm";
import { load, save } from "rmsprop-wasm/checkpoint";
import { readCheckpoint, writeCheckpoint } from "rmsprop-wasm/checkpoint/node";
import * as opfs from "rmsprop-wasm/checkpoint/opfs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

/** Values of the variable that children/saving.mjs trains: a file of some pages. */
const SIZE = 3000;

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "rmsprop-wasm-"));
  path = join(folder, "run.safetensors");
});
afterEach(() => rmSync(folder, { recursive: true }));

/** What children/saving.mjs has saved after each step, if nobody disturbs it. */
class Reference {
  readonly #w = new Variable(new Float32Array(SIZE).fill(1), { name: "w" });
  readonly #optimizer = new RMSprop({ momentum: 0.9, learningRate: 0.01, name: "optimizer" });
  readonly #saved: Uint8Array[] = [];

  constructor() {
    this.#optimizer.build([this.#w]);
  }

  after(steps: number): Uint8Array {
    while (this.#saved.length <= steps) {
      this.#saved.push(save(this.#optimizer));
      this.#w.gradient.fill(Math.fround(((this.#optimizer.rawIterations % 7) - 3) / 8));
      this.#optimizer.step();
    }
    return this.#saved[steps]!;
  }
}
const reference = new Reference();

/** The step of the checkpoint that is in the file, which must be whole. */
function stepInFile(file = path): number {
  const optimizer = new RMSprop({ momentum: 0.9 });
  const w = new Variable(new Float32Array(SIZE), { name: "w" });
  optimizer.build([w]);
  const bytes = new Uint8Array(readFileSync(file));
  load(bytes, optimizer);
  const { rawIterations } = optimizer;
  optimizer.free();
  w.free();
  expect(Buffer.compare(bytes, reference.after(rawIterations)), `step ${rawIterations}`).toBe(0);
  return rawIterations;
}

interface Life {
  /** The step it went on from. */
  readonly from: number;
  /** The last step that it said was saved. */
  readonly saved: number;
}

/** Lets a process train and save, and kills it some time after it has begun. */
function lifeOf(milliseconds: number, file = path): Promise<Life> {
  const script = fileURLToPath(new URL("children/saving.mjs", import.meta.url));
  const child = spawn(process.execPath, [script, file, String(SIZE)], { stdio: ["ignore", "pipe", "pipe"] });
  let [output, errors] = ["", ""];
  child.stdout.once("data", () => setTimeout(() => child.kill("SIGKILL"), milliseconds));
  child.stdout.on("data", (text) => {
    output += text;
  });
  child.stderr.on("data", (text) => {
    errors += text;
  });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (_, signal) => {
      if (signal !== "SIGKILL") return reject(new Error(errors));
      // The last line may be cut off.
      const steps = [...output.matchAll(/^(?:from|saved) (\d+)\n/gm)].map(([, step]) => Number(step));
      resolve({ from: steps[0]!, saved: steps.at(-1)! });
    });
  });
}

const temporaries = () => readdirSync(folder).filter((name) => name !== "run.safetensors");

describe("kill -9", () => {
  it("loses no saved step, 200 times", { timeout: 300_000 }, async () => {
    const lives = async (file: string) => {
      await writeCheckpoint(file, reference.after(0));
      let last = 0;
      for (let i = 0; i < 100; i++) {
        const { from, saved } = await lifeOf((i * 7.3) % 29, file);
        expect(from).toBe(last);
        last = stepInFile(file);
        // It can have died between saving a step and saying so.
        expect([saved, saved + 1]).toContain(last);
      }
      expect(last).toBeGreaterThan(10);
    };
    // Two at a time, on two files.
    await Promise.all([lives(path), lives(join(folder, "other.safetensors"))]);
    for (const name of temporaries())
      expect(name).toMatch(/^other\.safetensors$|^\.(run|other)\.safetensors\.[\w-]{36}\.tmp$/);
  });

  it("breaks no file that several processes write", { timeout: 300_000 }, async () => {
    await writeCheckpoint(path, reference.after(0));
    for (let i = 0; i < 10; i++) {
      const lives = await Promise.all([lifeOf((i * 7.3) % 29), lifeOf((i * 11.7) % 31), lifeOf(20)]);
      expect(stepInFile()).toBeLessThanOrEqual(Math.max(...lives.map(({ saved }) => saved)) + 1);
    }
  });
});

it("removes what was left behind long ago, and nothing else", async () => {
  const leftover = (name: string, age: number) => {
    writeFileSync(join(folder, name), "");
    utimesSync(join(folder, name), new Date(), new Date(Date.now() - age));
    return name;
  };
  leftover(".run.safetensors.old.tmp", 3_600_000);
  const kept = [
    leftover(".run.safetensors.young.tmp", 0),
    leftover(".other.safetensors.old.tmp", 3_600_000),
    leftover("run.safetensors.old.tmp", 3_600_000),
  ];
  await writeCheckpoint(path, reference.after(1));
  expect(temporaries().sort()).toEqual(kept.sort());
});

it("does calls for one file in their order", async () => {
  const steps = Array.from({ length: 20 }, (_, step) => step);
  await Promise.all(steps.map((step) => writeCheckpoint(path, reference.after(step))));
  expect(stepInFile()).toBe(19);
  expect(temporaries()).toEqual([]);
});

it("has null for a file that is not there yet, and the bytes afterwards", async () => {
  expect(await readCheckpoint(path)).toBeNull();
  await writeCheckpoint(path, reference.after(3));
  expect(await readCheckpoint(path)).toEqual(Uint8Array.from(reference.after(3)));
});

it.skipIf(process.platform === "win32")("keeps the file's permissions, and the link that its name is", async () => {
  const real = join(folder, "real.safetensors");
  writeFileSync(real, "", { mode: 0o600 });
  symlinkSync("real.safetensors", path);
  await writeCheckpoint(path, reference.after(2));
  expect(lstatSync(path).isSymbolicLink()).toBe(true);
  expect(stepInFile(real)).toBe(2);
  expect(statSync(real).mode & 0o777).toBe(0o600);
});

it("passes the system's errors on, leaves nothing behind, and can be called again", async () => {
  await expect(writeCheckpoint(join(folder, "no", "file"), reference.after(0))).rejects.toMatchObject({
    code: "ENOENT",
  });
  // A folder is not replaced by a file.
  await expect(writeCheckpoint(folder, reference.after(0))).rejects.toThrow(/EISDIR|ENOTEMPTY|EPERM|EEXIST/);
  await expect(readCheckpoint(folder)).rejects.toMatchObject({ code: "EISDIR" });
  expect(readdirSync(folder)).toEqual([]);
  await writeCheckpoint(path, reference.after(0));
  expect(stepInFile()).toBe(0);
});

it.each([
  ["path", () => writeCheckpoint(7 as unknown as string, new Uint8Array())],
  ["bytes", () => writeCheckpoint(path, "text" as unknown as Uint8Array)],
])("says which argument is wrong: %s", (argument, call) => {
  expect(call).toThrow(TypeError);
  expect(call).toThrow(`\`${argument}\``);
});

it("gives browsers, which do not write shared memory, a copy of what lies in it", async () => {
  const written: Uint8Array[] = [];
  const directory = {
    getFileHandle: async () => ({
      getFile: async () => ({ arrayBuffer: async () => new ArrayBuffer(0) }),
      createWritable: async () => ({
        write: async (bytes: Uint8Array) => void written.push(bytes),
        close: async () => undefined,
        abort: async () => undefined,
      }),
    }),
  };
  const own = Uint8Array.of(1, 2);
  const shared = new Uint8Array(new SharedArrayBuffer(2));
  shared.set(own);
  for (const bytes of [own, shared]) await opfs.writeCheckpoint("run", bytes, directory);
  expect(written).toEqual([own, own]);
  expect(written[0]).toBe(own);
  expect(written[1]!.buffer).toBeInstanceOf(ArrayBuffer);
});

it("says where there is no origin private file system, and what to do", async () => {
  await expect(opfs.readCheckpoint("run")).rejects.toThrow(/no origin private file system.*checkpoint\/node/);
  await expect(opfs.writeCheckpoint("run", new Uint8Array(1))).rejects.toThrow(/no origin private file system/);
});
