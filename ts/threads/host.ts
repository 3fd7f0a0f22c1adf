// Workers of whatever host this is. Nothing here is looked at before it is needed.

/** What the workers of Node and of the web have in common. */
export interface HostWorker {
  postMessage(message: object): void;
  terminate(): unknown;
  /** Not to keep the process alive. */
  unref?(): void;
  on?(event: string, listener: () => void): unknown;
  addEventListener?(event: string, listener: () => void): unknown;
}

interface Scope {
  readonly process?: {
    getBuiltinModule?(
      name: string,
    ): { readonly Worker: new (script: string, options: object) => HostWorker } | undefined;
  };
  readonly Worker?: new (address: string, options: object) => HostWorker;
  readonly Blob?: new (parts: readonly string[], options: object) => object;
  readonly URL?: { createObjectURL(blob: object): string; revokeObjectURL(address: string): void };
  setTimeout(call: () => void, milliseconds: number): unknown;
  clearTimeout(timer: unknown): void;
}

const scope = (): Scope => globalThis as unknown as Scope;

/** Milliseconds in which a worker must have started. */
const TIMEOUT_MS = 10_000;

/** A worker that runs this script; throws where none can be had. */
export function createWorker(script: string): HostWorker {
  const { process, Worker, Blob, URL } = scope();
  // Node, Deno and Bun; their workers can be told not to keep the process alive.
  const node = process?.getBuiltinModule?.("node:worker_threads");
  if (node) return new node.Worker(script, { eval: true, execArgv: [] });
  if (!Worker || !Blob || !URL) throw new Error("there are no workers here");
  const address = URL.createObjectURL(new Blob([script], { type: "text/javascript" }));
  // A script that was not read yet is read all the same.
  try {
    return new Worker(address, { type: "module" });
  } finally {
    scope().setTimeout(() => URL.revokeObjectURL(address), TIMEOUT_MS);
  }
}

/** Sends a worker its first message. Resolves to whether it answers; one that does not is ended. */
export async function starts(worker: HostWorker, message: object): Promise<boolean> {
  const ready = await new Promise<boolean>((resolve) => {
    const timer = scope().setTimeout(() => resolve(false), TIMEOUT_MS);
    const listen = (event: string, answer: boolean) => {
      const listener = () => {
        scope().clearTimeout(timer);
        resolve(answer);
      };
      if (worker.on) worker.on(event, listener);
      else worker.addEventListener?.(event, listener);
    };
    listen("message", true);
    for (const event of ["error", "messageerror", "exit"]) listen(event, false);
    try {
      worker.postMessage(message);
    } catch {
      // Memory cannot be sent where a page is not isolated from other origins.
      scope().clearTimeout(timer);
      resolve(false);
    }
  });
  if (ready) worker.unref?.();
  else worker.terminate();
  return ready;
}
