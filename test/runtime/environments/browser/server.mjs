// A server for the files of a folder, with the headers that an environment is about.
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";

/** @type {Readonly<Record<string, string>>} */
const types = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".mjs": "text/javascript; charset=utf-8",
  ".css": "text/css",
  ".svg": "image/svg+xml",
  ".wasm": "application/wasm",
};

/**
 * Runs `work(address)` while the folder is served, each time at an origin of its own.
 *
 * @template T
 * @param {string} folder
 * @param {Readonly<Record<string, string>>} headers
 * @param {(address: string) => Promise<T>} work
 */
export async function served(folder, headers, work) {
  const server = createServer(async ({ url }, response) => {
    // Without the query, and never out of the folder: the address is an absolute path here.
    const path = normalize(decodeURIComponent(new URL(url ?? "/", "http://localhost").pathname));
    const file = join(folder, path.endsWith("/") ? join(path, "index.html") : path);
    try {
      const content = await readFile(file);
      // Frames of opaque origin are other origins even to the page that holds them.
      const common = { "Access-Control-Allow-Origin": "*", "Cache-Control": "no-store" };
      response.writeHead(200, {
        "Content-Type": types[extname(file)] ?? "application/octet-stream",
        ...common,
        ...headers,
      });
      response.end(content);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(undefined)));
  try {
    const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
    return await work(`http://127.0.0.1:${port}`);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}
