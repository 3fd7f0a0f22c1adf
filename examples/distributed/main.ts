// The command: a server, a replica and two workers, each a process of its own, until the run is over; with --kill, a worker and the
// replica are killed on the way. At last the same training in one process, whose bits must be the same.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { begin, readDigits, replica, worker } from "./roles.js";

async function all({ kills, hasPage }: { kills: boolean; hasPage: boolean }): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "digits-"));
  const [port, webSocket] = [await freePort(), await freePort()];
  const file = join(folder, "server.conf");
  writeFileSync(
    file,
    `listen: "127.0.0.1:${port}"
jetstream { store_dir: ${JSON.stringify(folder)} }
websocket { listen: "127.0.0.1:${webSocket}", no_tls: true }`,
  );
  const server = spawn("nats-server", ["-c", file], { stdio: "ignore" });
  const failed = new Promise<never>((_, reject) => {
    server.once("error", () => reject(new Error("There is no nats-server: apt-get install nats-server, or nats.io.")));
  });
  try {
    const address = `127.0.0.1:${port}`;
    await Promise.race([failed, beginWhenReady(address)]);
    if (hasPage) {
      const { serve } = await import("./serve.js");
      const page = await serve(webSocket);
      console.log(`Open ${page.address} in a browser: the run waits for it.`);
      await page.opened;
      page.server.close();
    }
    const parts = new Map(["replica", "worker 1", "worker 2"].map((name) => [name, new Part(name, address)]));
    if (kills) {
      for (const name of ["worker 1", "replica"]) {
        await parts.get(name)!.heard;
        parts.get(name)!.kill();
      }
    }
    await Promise.all([...parts.values()].map(({ ended }) => ended));
    const last = parts.get("replica")!.lastLine.replace(/^.*: /, "");
    const alone = readDigits().trainAlone();
    console.log(`many processes: ${last}\none process:    ${alone}`);
    if (last !== alone) throw new Error("These must be the same.");
  } finally {
    server.kill();
    if (server.exitCode === null) await once(server, "exit");
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A process that tells line by line what it does, and is started again if it is killed. */
class Part {
  lastLine = "";
  readonly ended: Promise<void>;
  readonly #name: string;
  #child: ChildProcess | undefined;
  #heard = () => {};
  /** The first line it tells. */
  readonly heard = new Promise<void>((resolve) => {
    this.#heard = resolve;
  });

  constructor(name: string, address: string) {
    this.#name = name;
    this.ended = this.#run(address);
  }

  async #run(address: string): Promise<void> {
    const script = fileURLToPath(import.meta.url);
    for (;;) {
      const child = spawn(process.execPath, [script, this.#name.split(" ")[0]!, address], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      this.#child = child;
      createInterface(child.stdout).on("line", (line) => {
        console.log(`${this.#name.padEnd(8)}  ${line}`);
        this.lastLine = line;
        this.#heard();
      });
      const [code, signal] = await once(child, "close");
      if (code === 0) return;
      if (signal === null) throw new Error(`${this.#name} ended with ${code}.`);
      console.log(`${this.#name.padEnd(8)}  killed, and started again`);
    }
  }

  kill(): void {
    this.#child?.kill("SIGKILL");
  }
}

async function beginWhenReady(address: string): Promise<void> {
  for (let tries = 0; ; tries++) {
    try {
      return await begin(address);
    } catch (error) {
      if (tries === 50) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const address = probe.address();
  probe.close();
  await once(probe, "close");
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

const [role, servers] = process.argv.slice(2);
if (role === "replica" && servers) await replica(servers, console.log);
else if (role === "worker" && servers) await worker(servers, console.log);
else await all({ kills: process.argv.includes("--kill"), hasPage: process.argv.includes("--page") });
