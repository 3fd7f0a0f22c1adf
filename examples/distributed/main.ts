// The command: a server, a replica and two workers, or with --peers two that are both, each a process of its own, until the run is
// over; with --kill, two of them are killed on the way. At last the same training in one process, whose bits must be the same.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { begin, peer, readDigits, replica, worker } from "./roles.js";

async function all(names: readonly string[], kills: boolean, hasPage: boolean): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "digits-"));
  const [file, store] = [join(folder, "server.conf"), JSON.stringify(folder)];
  // The server chooses ports that are free, and writes them into a file.
  writeFileSync(
    file,
    `listen: "127.0.0.1:-1"
ports_file_dir: ${store}
jetstream { store_dir: ${store} }
websocket { listen: "127.0.0.1:-1", no_tls: true }`,
  );
  const server = spawn("nats-server", ["-c", file], { stdio: "ignore" });
  const failed = new Promise<never>((_, reject) => {
    server.once("error", () => reject(new Error("There is no nats-server: apt-get install nats-server, or nats.io.")));
  });
  try {
    const { nats, websocket } = await Promise.race([failed, portsOf(join(folder, `nats-server_${server.pid}.ports`))]);
    const [address] = nats;
    await begin(address);
    if (hasPage) {
      const { serve } = await import("./serve.js");
      const page = await serve(Number(new URL(websocket[0]).port));
      console.log(`Open ${page.address} in a browser: the run waits for it.`);
      await page.opened;
      page.server.close();
    }
    const parts = names.map((name) => new Part(name, address));
    if (kills) {
      for (const part of parts.slice(0, 2).reverse()) {
        await part.heard;
        part.kill();
      }
    }
    await Promise.all(parts.map(({ ended }) => ended));
    const last = parts[0]!.lastLine.replace(/^.*: /, "");
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

/** What the server listens on, once it does. */
async function portsOf(file: string): Promise<Record<"nats" | "websocket", [string]>> {
  for (let tries = 0; ; tries++) {
    try {
      return JSON.parse(readFileSync(file, "utf8"));
    } catch (error) {
      if (tries === 100) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

const [role, servers] = process.argv.slice(2);
if (role === "replica" && servers) await replica(servers, console.log);
else if (role === "worker" && servers) await worker(servers, console.log);
else if (role === "peer" && servers) await peer(servers, console.log);
else {
  const has = (flag: string) => process.argv.includes(flag);
  const names = has("--peers") ? ["peer 1", "peer 2"] : ["replica", "worker 1", "worker 2"];
  await all(names, has("--kill"), has("--page"));
}
