// A contestant's process: protocol.md from the other side.
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

/** No answer takes as long: who gives none by then hangs. */
const MILLISECONDS = 300_000;

export class Contestant {
  #child;
  #lines;
  #errors = "";

  /** Starts the process; `versions` are there when it is ready. */
  static async start(name, { command, args }) {
    const contestant = new Contestant();
    const child = spawn(command, args, { stdio: ["pipe", "pipe", "pipe"] });
    contestant.name = name;
    contestant.#child = child;
    contestant.#lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    child.stdin.on("error", () => {});
    child.stderr.on("data", (text) => {
      contestant.#errors = (contestant.#errors + text).slice(-2000);
    });
    const failed = new Promise((_, reject) => child.once("error", reject));
    const ready = await Promise.race([contestant.#read(), failed]);
    contestant.versions = ready.replace(/^ready ?/, "");
    return contestant;
  }

  async #read() {
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), MILLISECONDS);
    const { value, done } = await this.#lines.next();
    clearTimeout(timer);
    if (done) throw new Error(`${this.name} ended or gave no answer: ${this.#errors.trim()}`);
    if (value.startsWith("error")) throw new Error(`${this.name}: ${value}`);
    return value;
  }

  async #ask(...words) {
    this.#child.stdin.write(`${words.join(" ")}\n`);
    return this.#read();
  }

  /** Whether it made the model; `false` if it has no such thing. */
  async make(name, sizes, regime, options) {
    return (await this.#ask("make", name, sizes, regime, ...options)) === "ok";
  }

  /** Nanoseconds per step. */
  async run(name, steps) {
    return Number(await this.#ask("run", name, steps)) / steps;
  }

  /** Evenly spaced values. */
  async values(name) {
    const words = (await this.#ask("values", name)).split(" ").map((word) => Number.parseInt(word, 16));
    return new Float32Array(Uint32Array.from(words).buffer);
  }

  free(name) {
    return this.#ask("free", name);
  }

  end() {
    this.#child.stdin.end();
    this.#child.kill();
  }
}
