// What a worker runs: a script of its own, which the build puts as text into the entry and as a file beside it.
import type { ThreadExports } from "../generated/thread-exports.js";
import { DONE, EPOCH, SLEEPERS, work } from "./control.js";

/** What a worker is sent first. */
export interface Start {
  readonly module: WebAssembly.Module;
  readonly memory: object;
  /** The end of its stack, which grows downwards. */
  readonly stack: number;
  /** Address and number of the words of control.ts. */
  readonly control: number;
  readonly count: number;
  /** Its number; 0 is the thread that owns the runtime. */
  readonly thread: number;
}

interface Port {
  onmessage: ((event: { readonly data: Start }) => void) | null;
  postMessage(message: string): void;
}

interface Scope {
  readonly process?: { getBuiltinModule?(name: string): { readonly parentPort: Port | null } | undefined };
}

/** How often a worker checks for more work before it sleeps, some 0.1 ms: waking it can take as long. */
const SPINS = 20_000;

const scope = globalThis as unknown as Scope & Port;
const port: Port = scope.process?.getBuiltinModule?.("node:worker_threads")?.parentPort ?? scope;

port.onmessage = ({ data: { module, memory, stack, control, count, thread } }) => {
  const kernel = new WebAssembly.Instance(module, { env: { memory } }).exports as ThreadExports;
  kernel.stack_set(stack);
  const words = new Int32Array(kernel.memory.buffer, control, count);
  port.postMessage("ready");
  for (;;) {
    const epoch = Atomics.load(words, EPOCH);
    const done = work(words, thread, kernel.run_chunk);
    if (done > 0) Atomics.add(words, DONE, done);
    let spins = SPINS;
    while (spins > 0 && Atomics.load(words, EPOCH) === epoch) spins -= 1;
    if (spins > 0) continue;
    // Whoever begins a phase changes the epoch first and looks for sleepers then, so that none sleeps on.
    Atomics.add(words, SLEEPERS, 1);
    Atomics.wait(words, EPOCH, epoch);
    Atomics.sub(words, SLEEPERS, 1);
  }
};
