// Checkpoints on disk: whatever is killed at whatever moment, the file holds a whole checkpoint, and no saved step is lost.
import { execFileSync, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statfsSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { open } from "node:fs/promises";
import { freemem, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { RMSprop, Variable } from "rmsprop-wasm";
import { load, save } from "rmsprop-wasm/checkpoint";
import { deleteCheckpoint, listCheckpoints, readCheckpoint, writeCheckpoint } from "rmsprop-wasm/checkpoint/node";
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
  const uuid = () => `${randomUUID()}.tmp`;
  leftover(`.run.safetensors.${uuid()}`, 3_600_000);
  const kept = [
    leftover(`.run.safetensors.${uuid()}`, 0),
    leftover(`.other.safetensors.${uuid()}`, 3_600_000),
    leftover(`run.safetensors.${uuid()}`, 3_600_000),
    leftover(".run.safetensors.notes.tmp", 3_600_000),
    leftover(`.run.safetensors.old.${uuid()}`, 3_600_000),
    leftover(`.run.safetensors.${uuid()}.tmp`, 3_600_000),
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
  writeFileSync(join(folder, "file"), "");
  await expect(writeCheckpoint(join(folder, "file", "in", "it"), reference.after(0))).rejects.toMatchObject({
    code: "ENOTDIR",
  });
  rmSync(join(folder, "file"));
  // A folder is not replaced by a file.
  await expect(writeCheckpoint(folder, reference.after(0))).rejects.toThrow(/is no regular file, and is left as it is/);
  await expect(readCheckpoint(folder)).rejects.toMatchObject({ code: "EISDIR" });
  expect(readdirSync(folder)).toEqual([]);
  await writeCheckpoint(path, reference.after(0));
  expect(stepInFile()).toBe(0);
});

describe.skipIf(process.platform === "win32")("replaces nothing but files", () => {
  const write = (file: string) => writeCheckpoint(file, reference.after(1));

  it("not a pipe", async () => {
    execFileSync("mkfifo", [path]);
    await expect(write(path)).rejects.toThrow(/run\.safetensors" is no regular file, and is left as it is/);
    expect(lstatSync(path).isFIFO()).toBe(true);
    expect(temporaries()).toEqual([]);
  });

  it("not links in a circle", async () => {
    symlinkSync("other", path);
    symlinkSync("run.safetensors", join(folder, "other"));
    await expect(write(path)).rejects.toMatchObject({ code: "ELOOP" });
    expect(readlinkSync(path)).toBe("other");
    expect(temporaries()).toEqual(["other"]);
  });

  it("not a link to what is not there yet: that is made", async () => {
    mkdirSync(join(folder, "deep", "er"), { recursive: true });
    symlinkSync("deep/er", join(folder, "short"));
    // From the folder where the link really is, `..` leads elsewhere than its name tells.
    symlinkSync("../first", join(folder, "short", "run"));
    symlinkSync(join(folder, "second"), join(folder, "deep", "first"));
    await write(join(folder, "short", "run"));
    expect(stepInFile(join(folder, "second"))).toBe(1);
    expect(readlinkSync(join(folder, "deep", "er", "run"))).toBe("../first");
    await write(join(folder, "short", "run"));
    expect(readdirSync(folder).sort()).toEqual(["deep", "second", "short"]);
  });

  it("not a link into a folder that is not there", async () => {
    symlinkSync("nowhere/file", path);
    await expect(write(path)).rejects.toMatchObject({ code: "ENOENT" });
    expect(readlinkSync(path)).toBe("nowhere/file");
  });
});

it.skipIf(process.platform === "win32")("keeps permissions that the process' mask would take away", async () => {
  writeFileSync(path, "");
  for (const mode of [0o664, 0o666, 0o640]) {
    chmodSync(path, mode);
    await writeCheckpoint(path, reference.after(1));
    expect(statSync(path).mode & 0o777).toBe(mode);
  }
});

// To root, every folder is open.
it.skipIf(process.platform === "win32" || process.getuid?.() === 0)(
  "leaves the file as it is in a folder that cannot be synchronized",
  async () => {
    await writeCheckpoint(path, reference.after(1));
    chmodSync(folder, 0o300);
    await expect(writeCheckpoint(path, reference.after(2))).rejects.toMatchObject({ code: "EACCES" });
    chmodSync(folder, 0o700);
    expect(stepInFile()).toBe(1);
    expect(temporaries()).toEqual([]);
  },
);

it.each(["x".repeat(255), "é".repeat(127), "𝄞".repeat(63)])("writes files with the longest names", async (name) => {
  const file = join(folder, name);
  for (const step of [1, 2]) {
    await writeCheckpoint(file, reference.after(step));
    expect(stepInFile(file)).toBe(step);
  }
  expect(readdirSync(folder)).toHaveLength(1);
});

describe("bytes", () => {
  /** A file system of one file, in memory. */
  function memory() {
    let [content, copy] = [new Uint8Array(), new Uint8Array()];
    const file: opfs.FileHandle = {
      getFile: async () => ({ arrayBuffer: async () => content.slice().buffer }),
      createWritable: async () => ({
        write: async (bytes) => {
          copy = bytes.slice();
        },
        close: async () => {
          content = copy;
        },
        abort: async () => {},
      }),
    };
    return { getFileHandle: async () => file };
  }
  const directory = memory();
  const stores = [
    ["node", (bytes: unknown) => writeCheckpoint(path, bytes as never), () => readCheckpoint(path)],
    [
      "opfs",
      (bytes: unknown) => opfs.writeCheckpoint("run", bytes as never, directory),
      () => opfs.readCheckpoint("run", directory),
    ],
  ] as const;

  it.each(stores)("are those of the call: %s", async (_, write, stored) => {
    const bytes = reference.after(1).slice();
    const written = write(bytes);
    bytes.fill(0);
    structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
    await written;
    expect(await stored()).toEqual(Uint8Array.from(reference.after(1)));
  });

  it.each(stores)("of no checkpoint replace none: %s", async (_, write, stored) => {
    await write(reference.after(2));
    const detached = reference.after(1).slice();
    structuredClone(detached.buffer, { transfer: [detached.buffer] });
    for (const [wrong, type, rule] of [
      ["text", TypeError, /`bytes` must be a Uint8Array; received "text"/],
      [new DataView(new ArrayBuffer(64)), TypeError, /`bytes` must be a Uint8Array; received a DataView/],
      [detached, TypeError, /`bytes` must be a Uint8Array, and its buffer must not be detached; received/],
      [new Uint8Array(), RangeError, /`bytes` must be what `save` returned; received a Uint8Array of 0/],
      [new Uint8Array(1000), RangeError, /what `save` returned; received a Uint8Array of 1000/],
      [reference.after(1).subarray(0, 100), RangeError, /what `save` returned; received a Uint8Array of 100/],
    ] as const) {
      const rejected = await write(wrong).catch((error: unknown) => error);
      expect(rejected).toBeInstanceOf(type);
      expect((rejected as Error).message).toMatch(rule);
    }
    expect(await stored()).toEqual(Uint8Array.from(reference.after(2)));
  });
});

it("says why a file could not be written, also if nothing works any more", async () => {
  const full = async () => {
    throw new DOMException("full", "QuotaExceededError");
  };
  const abort = async () => {
    throw new DOMException("gone", "InvalidStateError");
  };
  const file = { getFile: full, createWritable: async () => ({ write: full, abort, close: full }) };
  await expect(
    opfs.writeCheckpoint("run", reference.after(0).slice(), { getFileHandle: async () => file }),
  ).rejects.toMatchObject({ name: "QuotaExceededError" });
});

it.each<[string, () => Promise<unknown>, RegExp]>([
  ["path", () => writeCheckpoint(7 as unknown as string, reference.after(0)), /a string; received 7/],
  ["path", () => writeCheckpoint("", reference.after(0)), /not empty, .*received ""/],
  ["path", () => readCheckpoint("a\0b"), /without \\0/],
  ["path", () => deleteCheckpoint({} as never), /received an object/],
  ["folder", () => listCheckpoints(undefined as never), /received undefined/],
  ["bytes", () => writeCheckpoint(path, "text" as unknown as Uint8Array), /Uint8Array; received "text"/],
  ["name", () => opfs.writeCheckpoint("a/../b", reference.after(0)), /"\.\.".*received "a\/\.\.\/b"/],
  ["name", () => opfs.readCheckpoint("/a"), /none of them empty/],
  ["name", () => opfs.deleteCheckpoint(5 as never), /received 5/],
])("rejects, and says which argument is wrong: %s", async (argument, call, rule) => {
  // Not thrown by the call itself.
  const error = await call().catch((reason: unknown) => reason);
  expect((error as Error).message).toMatch(`\`${argument}\``);
  expect((error as Error).message).toMatch(rule);
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
  const own = reference.after(0);
  const shared = new Uint8Array(new SharedArrayBuffer(own.length));
  shared.set(own);
  await opfs.writeCheckpoint("run", shared, directory);
  expect(written).toEqual([Uint8Array.from(own)]);
  expect(written[0]!.buffer).toBeInstanceOf(ArrayBuffer);
});

it("says where there is no origin private file system, and what to do", async () => {
  await expect(opfs.readCheckpoint("run")).rejects.toThrow(/no origin private file system.*checkpoint\/node/);
  await expect(opfs.writeCheckpoint("run", reference.after(0).slice())).rejects.toThrow(
    /no origin private file system/,
  );
});

describe("where folders cannot be synchronized", () => {
  /** Lets `fsync` of folders fail with this code while `work` runs; of files it works. */
  async function failing(code: string, work: () => Promise<void>) {
    const file = await open(folder, "r");
    const prototype = Object.getPrototypeOf(file) as { sync(this: typeof file): Promise<void> };
    await file.close();
    const { sync } = prototype;
    prototype.sync = async function () {
      if ((await this.stat()).isDirectory()) throw Object.assign(new Error(`${code}: fsync`), { code });
      await sync.call(this);
    };
    try {
      await work();
    } finally {
      prototype.sync = sync;
    }
  }

  it.each(["EINVAL", "ENOTSUP", "EOPNOTSUPP", "ENOSYS"])("%s means that it is not possible here", async (code) => {
    await failing(code, async () => {
      await writeCheckpoint(path, reference.after(1));
      expect(await deleteCheckpoint(path)).toBe(true);
      await writeCheckpoint(path, reference.after(2));
    });
    expect(stepInFile()).toBe(2);
    expect(temporaries()).toEqual([]);
  });

  it.each(["EIO", "ENOSPC"])("%s stays an error", async (code) => {
    await failing(code, async () => {
      await expect(writeCheckpoint(path, reference.after(1))).rejects.toMatchObject({ code });
    });
    expect(temporaries()).toEqual([]);
  });
});

describe("folders", () => {
  it("are made, and listed", async () => {
    const runs = join(folder, "runs", "7");
    expect(await listCheckpoints(runs)).toEqual([]);
    for (const name of ["b.safetensors", "a"]) await writeCheckpoint(join(runs, name), reference.after(1));
    writeFileSync(join(runs, "notes.txt"), "no checkpoint, but longer than the beginning of one");
    writeFileSync(join(runs, "empty"), "");
    writeFileSync(join(runs, `.a.${randomUUID()}.tmp`), reference.after(1));
    mkdirSync(join(runs, "folder"));
    expect(await listCheckpoints(runs)).toEqual(["a", "b.safetensors"]);
    expect(await deleteCheckpoint(join(runs, "a"))).toBe(true);
    expect(await deleteCheckpoint(join(runs, "a"))).toBe(false);
    expect(await listCheckpoints(runs)).toEqual(["b.safetensors"]);
    await expect(deleteCheckpoint(runs)).rejects.toThrow(/no regular file/);
    await expect(listCheckpoints(join(runs, "b.safetensors"))).rejects.toMatchObject({ code: "ENOTDIR" });
  });

  it("deletes in the order of calls", async () => {
    const calls = [
      writeCheckpoint(path, reference.after(1)),
      deleteCheckpoint(path),
      writeCheckpoint(path, reference.after(2)),
    ];
    expect(await Promise.all(calls)).toEqual([undefined, true, undefined]);
    expect(stepInFile()).toBe(2);
  });
});

// Only root may give files away.
it.skipIf(process.platform === "win32" || process.getuid?.() !== 0)("keeps a file's owner", async () => {
  writeFileSync(path, "");
  chmodSync(path, 0o640);
  chownSync(path, 12345, 23456);
  await writeCheckpoint(path, reference.after(1));
  const { uid, gid, mode } = statSync(path);
  expect([uid, gid, mode & 0o777]).toEqual([12345, 23456, 0o640]);
});

const GIB = 2 ** 30;
const space = statfsSync(tmpdir());
const isLarge = space.bavail * space.bsize > 6 * GIB && freemem() > 8 * GIB;

it.skipIf(!isLarge)(
  `keeps files beyond 2 GiB${isLarge ? "" : " (skipped: needs 6 GiB of disk, 8 of memory)"}`,
  { timeout: 600_000 },
  async () => {
    // A process of its own, whose memory can be measured.
    const script = fileURLToPath(new URL("children/large.mjs", import.meta.url));
    const output = execFileSync(process.execPath, ["--expose-gc", script, path], {
      encoding: "utf8",
      timeout: 600_000,
    });
    const { size, beside } = JSON.parse(output) as { size: number; beside: number };
    expect(size).toBeGreaterThan(2 * GIB);
    // The bytes themselves, twice for what is read while those that were written are there; and no more than pieces.
    expect(beside).toBeLessThan(GIB / 4);
  },
);

describe("in the origin private file system", () => {
  /** Folders and files in memory, with what the browser's handles have. */
  class Folder implements Required<opfs.Directory> {
    readonly entries = new Map<string, Folder | { bytes: Uint8Array; pieces: number }>();

    async getDirectoryHandle(name: string, options?: { create?: boolean }): Promise<Folder> {
      if (!this.entries.has(name) && options?.create) this.entries.set(name, new Folder());
      const found = this.entries.get(name);
      if (found instanceof Folder) return found;
      throw new DOMException(name, found ? "TypeMismatchError" : "NotFoundError");
    }

    async getFileHandle(name: string, options?: { create?: boolean }): Promise<opfs.FileHandle> {
      if (!this.entries.has(name) && options?.create) this.entries.set(name, { bytes: new Uint8Array(), pieces: 0 });
      const found = this.entries.get(name);
      if (!found || found instanceof Folder)
        throw new DOMException(name, found ? "TypeMismatchError" : "NotFoundError");
      return {
        getFile: async () => new Blob([found.bytes as Uint8Array<ArrayBuffer>]),
        createWritable: async () => {
          const parts: Uint8Array[] = [];
          return {
            write: async (part) => void parts.push(part.slice()),
            close: async () => void Object.assign(found, { bytes: Buffer.concat(parts), pieces: parts.length }),
            abort: async () => {},
          };
        },
      };
    }

    async removeEntry(name: string): Promise<void> {
      if (!this.entries.delete(name)) throw new DOMException(name, "NotFoundError");
    }

    async *keys() {
      yield* this.entries.keys();
    }
  }

  it("makes folders, lists and deletes", async () => {
    const root = new Folder();
    expect(await opfs.listCheckpoints("runs/7", root)).toEqual([]);
    expect(await opfs.readCheckpoint("runs/7/last", root)).toBeNull();
    expect(await opfs.deleteCheckpoint("runs/7/last", root)).toBe(false);
    await opfs.writeCheckpoint("runs/7/last", reference.after(1), root);
    await opfs.writeCheckpoint("runs/7/best", reference.after(2), root);
    await opfs.writeCheckpoint("top", reference.after(2), root);
    expect(await opfs.readCheckpoint("runs/7/last", root)).toEqual(Uint8Array.from(reference.after(1)));
    expect(await opfs.listCheckpoints("runs/7", root)).toEqual(["best", "last"]);
    expect(await opfs.listCheckpoints("", root)).toEqual(["top"]);
    expect(await opfs.deleteCheckpoint("runs/7/best", root)).toBe(true);
    expect(await opfs.listCheckpoints("runs/7", root)).toEqual(["last"]);
  });

  it("writes and reads large files in pieces", async () => {
    const root = new Folder();
    const w = new Variable(new Float32Array(40_000_000).fill(0.5), { path: "w" });
    const optimizer = new RMSprop();
    optimizer.build([w]);
    const bytes = save(optimizer, { includeVariables: false });
    await opfs.writeCheckpoint("large", bytes, root);
    expect(root.entries.get("large")).toMatchObject({ pieces: 3 });
    const stored = await opfs.readCheckpoint("large", root);
    expect(Buffer.compare(stored!, bytes)).toBe(0);
    optimizer.free();
    w.free();
  });
});
