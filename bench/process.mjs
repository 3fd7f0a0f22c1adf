// A contestant's process: protocol.md from the other side.
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

/** No answer takes as long: who gives none by then hangs. */
const MILLISECONDS = 300_000;

export class Contestant {
  /** @type {import("node:child_process").ChildProcessWithoutNullStreams} */
  #child;
  /** @type {AsyncIterator<string>} */
  #lines;
  #errors = "";
  /** What it says of itself and its libraries. */
  versions = "";

  /**
   * @param {string} name
   * @param {import("node:child_process").ChildProcessWithoutNullStreams} child
   */
  constructor(name, child) {
    this.name = name;
    this.#child = child;
    this.#lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    child.stdin.on("error", () => {});
    child.stderr.on("data", (text) => {
      this.#errors = (this.#errors + text).slice(-2000);
    });
  }

  /**
   * Starts the process, and waits until it is ready.
   *
   * @param {string} name
   * @param {Pick<import("./types.js").Start, "command" | "args">} start
   */
  static async start(name, { command, args }) {
    const child = spawn(command, args, { stdio: ["pipe", "pipe", "pipe"] });
    const contestant = new Contestant(name, child);
    /** @type {Promise<never>} */
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

  /** @param {unknown[]} words */
  async #ask(...words) {
    this.#child.stdin.write(`${words.join(" ")}\n`);
    return this.#read();
  }

  /**
   * Whether it made the model; `false` if it does not support it.
   *
   * @param {string} name
   * @param {string} sizes
   * @param {string} regime
   * @param {readonly string[]} options
   */
  async make(name, sizes, regime, options) {
    return (await this.#ask("make", name, sizes, regime, ...options)) === "ok";
  }

  /**
   * Nanoseconds per step.
   *
   * @param {string} name
   * @param {number} steps
   */
  async run(name, steps) {
    return Number(await this.#ask("run", name, steps)) / steps;
  }

  /**
   * Evenly spaced values.
   *
   * @param {string} name
   */
  async values(name) {
    const words = (await this.#ask("values", name)).split(" ").map((word) => Number.parseInt(word, 16));
    return new Float32Array(Uint32Array.from(words).buffer);
  }

  /** @param {string} name */
  free(name) {
    return this.#ask("free", name);
  }

  end() {
    this.#child.stdin.end();
    this.#child.kill();
  }
}
