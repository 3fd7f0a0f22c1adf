// The page of a browser that takes part: its script in one file, and the data.

import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { DATA } from "./roles.js";

/** Serves the page; `address` is its own, `opened` ends when a browser has it. */
export async function serve(webSocket: number): Promise<{ server: Server; address: string; opened: Promise<unknown> }> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL("page.js", import.meta.url))],
    ...{ bundle: true, format: "esm", platform: "browser", write: false, logLevel: "error" },
  });
  const files: Record<string, [string, string | Uint8Array]> = {
    "/": [
      "text/html; charset=utf-8",
      '<!doctype html><title>A worker</title><body><script type="module" src="page.js"></script>',
    ],
    "/page.js": ["text/javascript", outputFiles[0]!.text],
    "/digits.csv.gz": ["application/gzip", readFileSync(DATA)],
  };
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  const server = createServer(({ url = "" }, response) => {
    const [type, content] = files[url] ?? ["text/plain", ""];
    response.writeHead(url in files ? 200 : 404, { "content-type": type }).end(content);
    if (url === "/digits.csv.gz") open();
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return { server, address: `http://127.0.0.1:${port}/#${webSocket}`, opened };
}
