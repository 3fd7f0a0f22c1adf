// Parts of a run as processes of their own, which are started again when they are killed.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import type { CorePeerPart } from "./core-peer.js";
import type { CorePart } from "./core-worker.js";
import type { Part } from "./process.js";

const root = new URL("../../", import.meta.url);

const SCRIPTS = ["gradients", "support", "process", "core-worker", "core-peer", "websocket-worker"];

/** The processes' scripts, which Node must be able to read. */
export function makeScripts(): URL {
  for (const name of ["half", ...SCRIPTS.map((name) => `distributed/${name}`)]) {
    const target = new URL(`build/test/${name}.js`, root);
    mkdirSync(new URL(".", target), { recursive: true });
    const { outputText } = ts.transpileModule(readFileSync(new URL(`test/${name}.ts`, root), "utf8"), {
      compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022, verbatimModuleSyntax: true },
    });
    // Tests run at the same time, and a process of another one may be about to read it.
    const fresh = new URL(`${target.href}.${process.pid}`);
    writeFileSync(fresh, outputText);
    renameSync(fresh, target);
  }
  return new URL("build/test/distributed/", root);
}

let scripts: URL | undefined;

type AnyPart = Part | CorePart | CorePeerPart;
const scriptOf = (part: AnyPart): string =>
  !("subject" in part) ? "process" : "isStored" in part ? "core-peer" : "core-worker";

/** What a replica tells of an event. */
export interface Told {
  readonly type: string;
  readonly iterations: number;
  readonly units: number;
  readonly hash: string;
  readonly at: number;
}

/** A part that is started again whenever it ends by a signal. */
export class Process {
  readonly told: Told[] = [];
  readonly ended: Promise<void>;
  errors = "";
  #child!: ChildProcess;
  #isStopped = false;
  #mayStart: Promise<unknown> = Promise.resolve();
  readonly #part: Part | CorePart | CorePeerPart;

  constructor(part: AnyPart) {
    this.#part = part;
    this.ended = this.#run();
  }

  async #run(): Promise<void> {
    scripts ??= makeScripts();
    const script = fileURLToPath(new URL(`${scriptOf(this.#part)}.js`, scripts));
    while (!this.#isStopped) {
      const child = spawn(process.execPath, [script, JSON.stringify(this.#part)], {
        stdio: ["ignore", "pipe", "pipe"],
      });
      this.#child = child;
      createInterface(child.stdout).on("line", (line) => this.told.push(JSON.parse(line)));
      child.stderr.on("data", (text) => {
        this.errors += text;
      });
      const [code, signal] = await once(child, "close");
      if (signal === null) {
        if (code !== 0) throw new Error(`${JSON.stringify(this.#part)} ended with ${code}: ${this.errors}`);
        return;
      }
      await this.#mayStart;
    }
  }

  /** Until it has told something. */
  async ready(): Promise<void> {
    while (this.told.length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
  }

  /** Ends it for good. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#child.kill("SIGKILL");
    await this.ended;
  }

  /** Kills it; it is started again after `until`. */
  kill(until: Promise<unknown>): void {
    this.#mayStart = until;
    this.signal("SIGKILL");
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }
}
