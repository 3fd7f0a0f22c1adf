// A real nats-server, with a store of its own on a port of its own, that a test can kill, stop, start again and rob of its store.
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { type ConnectionOptions, connect } from "@nats-io/transport-node";
import { type NatsLogOptions, natsLog } from "rmsprop-wasm/distributed/nats";
import { freePort } from "../free-port.mjs";

/** The server's program: Debian's, or another one for a run by hand. */
export const program = process.env["NATS_SERVER"] ?? "nats-server";

/** Which server it is; throws where none is installed. */
export const version = (): string => execFileSync(program, ["--version"], { encoding: "utf8" }).trim();

export class Server {
  readonly port: number;
  readonly folder: string;
  readonly #configuration: string;
  #process: ChildProcess | undefined;

  private constructor(port: number, folder: string, configuration: string) {
    this.port = port;
    this.folder = folder;
    this.#configuration = configuration;
  }

  /** A server that is started, with these lines in its configuration too. */
  static async start(more: (folder: string) => string = () => ""): Promise<Server> {
    const folder = mkdtempSync(join(tmpdir(), "rmsprop-nats-"));
    const server = new Server(await freePort(), folder, more(folder));
    await server.start();
    return server;
  }

  get store(): string {
    return join(this.folder, "store");
  }

  async start(): Promise<void> {
    const file = join(this.folder, "server.conf");
    const store = JSON.stringify(this.store);
    writeFileSync(
      file,
      `listen: "127.0.0.1:${this.port}"\njetstream { store_dir: ${store}, max_file: 1G }\n${this.#configuration}\n`,
    );
    const child = spawn(program, ["-c", file], { stdio: ["ignore", "ignore", "pipe"] });
    this.#process = child;
    let log = "";
    await new Promise<void>((resolve, reject) => {
      child.stderr.on("data", (text) => {
        log += text;
        if (/Server is ready/.test(log)) resolve();
      });
      child.once("error", reject);
      child.once("exit", () => reject(new Error(`nats-server ended: ${log}`)));
    });
  }

  /** As a loss of power does it, but for the disk. */
  async kill(): Promise<void> {
    const child = this.#process;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, "exit");
    child.kill("SIGKILL");
    await ended;
  }

  pause(): void {
    this.#process?.kill("SIGSTOP");
  }

  resume(): void {
    this.#process?.kill("SIGCONT");
  }

  /** A copy of the store, which `restore` brings back; of a server that is not running. */
  copyStore(): () => void {
    const copy = join(this.folder, `copy-${Math.random().toString(36).slice(2)}`);
    cpSync(this.store, copy, { recursive: true });
    return () => {
      rmSync(this.store, { recursive: true, force: true });
      cpSync(copy, this.store, { recursive: true });
    };
  }

  wipe(): void {
    rmSync(this.store, { recursive: true, force: true });
  }

  async connect(options: ConnectionOptions = {}) {
    return connect({
      servers: `127.0.0.1:${this.port}`,
      maxReconnectAttempts: -1,
      reconnectTimeWait: 50,
      reconnectJitter: 20,
      pingInterval: 2000,
      maxPingOut: 2,
      ...options,
    });
  }

  /** A log over a connection of its own. */
  async log(run: string, options: Partial<NatsLogOptions> = {}, connecting: ConnectionOptions = {}) {
    const connection = await this.connect(connecting);
    const manager = await jetstreamManager(connection, { timeout: 20_000 });
    const log = await natsLog({
      ...{ connection, jetstream: jetstream(connection, { timeout: 2000 }), manager, run },
      ...options,
    });
    return { connection, manager, log };
  }

  async free(): Promise<void> {
    this.resume();
    await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
