// Workers, replicas and the server are killed and stopped at random moments. Every state that any replica tells of is that of one
// process. By hand: DISTRIBUTED_KILLS=500 npx vitest run test/distributed/kills.test.ts
import { type ChildProcess, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { save } from "rmsprop-wasm/checkpoint";
import ts from "typescript";
import { beforeAll, expect, it } from "vitest";
import type { Part } from "./process.js";
import { Server, version } from "./server.js";
import { everything, make, OneProcess, type Training } from "./support.js";

const KILLS = Number(process.env["DISTRIBUTED_KILLS"] ?? 30);
const root = new URL("../../", import.meta.url);

/** The processes' script, which Node must be able to read. */
function script(): string {
  for (const name of ["half", "distributed/support", "distributed/process"]) {
    const target = new URL(`build/test/${name}.js`, root);
    mkdirSync(new URL(".", target), { recursive: true });
    const { outputText } = ts.transpileModule(readFileSync(new URL(`test/${name}.ts`, root), "utf8"), {
      compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022, verbatimModuleSyntax: true },
    });
    writeFileSync(target, outputText);
  }
  return fileURLToPath(new URL("build/test/distributed/process.js", root));
}

interface Told {
  readonly type: string;
  readonly iterations: number;
  readonly units: number;
  readonly hash: string;
  readonly at: number;
}

let program: string;
beforeAll(() => {
  program = script();
  console.log(version());
});

/** A part that is started again whenever it ends by a signal. */
class Process {
  readonly told: Told[] = [];
  readonly ended: Promise<void>;
  errors = "";
  #child!: ChildProcess;
  readonly #part: Part;

  constructor(part: Part) {
    this.#part = part;
    this.ended = this.#run();
  }

  async #run(): Promise<void> {
    for (;;) {
      const child = spawn(process.execPath, [program, JSON.stringify(this.#part)], {
        stdio: ["ignore", "pipe", "pipe"],
      });
      this.#child = child;
      createInterface(child.stdout).on("line", (line) => this.told.push(JSON.parse(line)));
      child.stderr.on("data", (text) => {
        this.errors += text;
      });
      const [code, signal] = await once(child, "close");
      if (signal === null) {
        if (code !== 0) throw new Error(`${this.#part.role} ended with ${code}: ${this.errors}`);
        return;
      }
    }
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }
}

it.each([
  ["float32", 4],
  ["bfloat16", 8],
] as const)(
  "%s, %i units an update",
  { retry: 2, timeout: 60_000 + KILLS * 20_000 },
  async (dtype, gradientAccumulationSteps) => {
    const training: Training = { ...everything, dtype, options: { ...everything.options, gradientAccumulationSteps } };
    const server = await Server.start();
    const updates = 40 * KILLS;
    const first = make(training);
    const { log, connection } = await server.log("kills");
    await log.create(save(first.optimizer), { unit: 0 });
    await connection.close();

    const part = { port: server.port, run: "kills", training, updates, delay: 5, patience: 500, stall: 1000 };
    const replicas = [1, 2].map(() => new Process({ ...part, role: "replica" }));
    const workers = [1, 2, 3].map(() => new Process({ ...part, role: "worker" }));
    const sleep = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));
    const count = { killed: 0, stopped: 0, server: 0 };
    let isOver = false;
    const attack = async () => {
      await sleep(1500);
      while (!isOver && count.killed + count.stopped + count.server < KILLS) {
        const draw = Math.random();
        if (draw < 0.15) {
          count.server += 1;
          await server.kill();
          await sleep(300);
          await server.start();
        } else {
          const all = draw < 0.5 ? replicas : workers;
          const victim = all[Math.floor(Math.random() * all.length)]!;
          if (draw < 0.85) {
            count.killed += 1;
            victim.signal("SIGKILL");
          } else {
            count.stopped += 1;
            victim.signal("SIGSTOP");
            await sleep(1200);
            victim.signal("SIGCONT");
          }
        }
        await sleep(200 + 800 * Math.random());
      }
    };
    const attacking = attack();
    await Promise.all(replicas.map(({ ended }) => ended));
    isOver = true;
    await Promise.all([attacking, ...workers.map(({ ended }) => ended)]);
    await server.free();

    const told = replicas.flatMap((replica) => replica.told).filter(({ hash }) => hash !== undefined);
    const one = new OneProcess(training);
    const hashes = new Map<number, string>();
    for (const { units } of [...told].sort((a, b) => a.units - b.units)) {
      if (!hashes.has(units)) hashes.set(units, createHash("sha256").update(one.until(units).state).digest("hex"));
    }
    // A checkpoint and a stall are told of at any moment; the others with the state they made.
    const states = told.filter(({ type }) => ["join", "update", "skip", "end"].includes(type));
    expect(states.filter(({ units, hash }) => hashes.get(units) !== hash)).toEqual([]);
    expect(states.length).toBeGreaterThanOrEqual(updates);
    for (const replica of replicas) expect(replica.told.at(-1)).toMatchObject({ type: "end", iterations: updates });
    const times = states.map(({ at }) => at).sort((a, b) => a - b);
    const gaps = times.slice(1).map((at, i) => at - times[i]!);
    console.log(JSON.stringify({ dtype, ...count, states: states.length, longestGapMs: Math.max(...gaps) }));
    expect(count.killed).toBeGreaterThan(0);
  },
);
