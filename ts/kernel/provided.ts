// Backends of the build variant `rmsprop-wasm/slim`: the WebAssembly is given by `init` or `initSync`.

import type { KernelExports } from "../generated/kernel.js";
import { StateError } from "../support/errors.js";
import { show } from "../support/messages.js";
import type { BackendLoader } from "./backend.js";
import { checked, moduleLoader } from "./module-backend.js";

/**
 * What holds the WebAssembly: a `WebAssembly.Module` (of any realm), its bytes, a `Response`, a URL or its text, or what a
 * bundler makes of an import of `rmsprop-wasm/rmsprop.wasm`. No narrower type would hold in every environment.
 */
export type WasmSource = string | object;

let provided: BackendLoader | undefined;

const wasm: BackendLoader = {
  backend: "wasm-simd128",
  instantiate() {
    if (provided === undefined) {
      throw new StateError(
        "rmsprop-wasm/slim has no WebAssembly yet: await init(source), or call initSync(source), first.",
      );
    }
    return provided.instantiate();
  },
};

export const loaders: readonly BackendLoader[] = [wasm];

/**
 * Gives `rmsprop-wasm/slim` its WebAssembly, now: a compiled module, or the bytes of `rmsprop-wasm/rmsprop.wasm`.
 *
 * ```js
 * initSync(await readFile("node_modules/rmsprop-wasm/dist/rmsprop.wasm"));
 * ```
 *
 * @param source a `WebAssembly.Module`, or bytes.
 * @throws {TypeError} if `source` is neither.
 * @throws {WebAssembly.CompileError} if the bytes are no WebAssembly, or may not be compiled here.
 */
export function initSync(source: object): void {
  const value = unwrapped(source);
  if (isKernel(value)) provided = instanceLoader(value);
  else if (isModule(value)) provided = moduleLoader(() => value);
  else if (isBytes(value)) {
    const module = new WebAssembly.Module(checkedBytes(value, "the source"));
    provided = moduleLoader(() => module);
  } else throw new TypeError(`initSync() takes a WebAssembly.Module or its bytes; received ${show(source)}.`);
}

/**
 * Gives `rmsprop-wasm/slim` its WebAssembly: a `WebAssembly.Module`, bytes, a `Response`, a URL, a promise of one of
 * these, or whatever the host or a bundler makes of `import wasm from "rmsprop-wasm/rmsprop.wasm"`.
 *
 * `import * as wasm` can give an instance: that is one runtime, the default one unless `createRuntime` comes first. Another
 * is a `StateError`.
 *
 * ```js
 * await init(new URL("rmsprop-wasm/rmsprop.wasm", import.meta.url));
 * ```
 *
 * @param source where the module is, or what it is.
 * @throws {Error} if it cannot be loaded, naming the address, the status, or the page that came instead.
 */
export async function init(source: WasmSource | Promise<WasmSource>): Promise<void> {
  let value = unwrapped(await source);
  if (typeof value === "string" || (isObject(value) && typeof value["href"] === "string"))
    value = await load(String(value));
  if (isObject(value) && typeof value["arrayBuffer"] === "function") value = await bytesOf(value as unknown as Body);
  if (isBytes(value)) {
    // Off the main thread: browsers refuse to compile large modules on it, and older ones refuse 4 kB.
    value = await WebAssembly.compile(checkedBytes(value, "the source"));
  }
  initSync(value as object);
}

interface Body {
  arrayBuffer(): Promise<ArrayBuffer>;
  readonly ok?: boolean;
  readonly status?: number;
  readonly url?: string;
}

interface Hosts {
  fetch?(address: string): Promise<Body>;
  process?: { getBuiltinModule?(name: string): { readFile(path: unknown): Promise<Uint8Array> } };
  URL?: new (address: string) => object;
}

/** The response or bytes at `address`. Node cannot fetch files, but read them. */
async function load(address: string): Promise<unknown> {
  const { fetch, process, URL } = globalThis as Hosts;
  const isFile = address.startsWith("file:");
  const readsFiles = (isFile || address.startsWith("/")) && process?.getBuiltinModule;
  if (!readsFiles && !fetch)
    throw new Error(`There is no fetch here to load ${show(address)} with: give init() the bytes.`);
  try {
    if (!readsFiles) return await fetch?.(address);
    return await readsFiles.call(process, "node:fs/promises").readFile(isFile && URL ? new URL(address) : address);
  } catch (cause) {
    throw new Error(`The WebAssembly could not be loaded from ${show(address)}: ${cause}`, { cause });
  }
}

async function bytesOf(body: Body): Promise<Uint8Array> {
  const from = body.url ? show(body.url) : "the response";
  if (body.ok === false) throw new Error(`The WebAssembly could not be loaded: ${from} answered ${body.status}.`);
  return checkedBytes(await body.arrayBuffer(), from);
}

/** `\0asm`, or an error that says what came instead. */
function checkedBytes(source: ArrayBuffer | ArrayBufferView, from: string): Uint8Array<ArrayBuffer> {
  const bytes = ArrayBuffer.isView(source)
    ? new Uint8Array(source.buffer as ArrayBuffer, source.byteOffset, source.byteLength)
    : new Uint8Array(source);
  const [a, b, c, d] = bytes;
  if (a === 0 && b === 0x61 && c === 0x73 && d === 0x6d) return bytes;
  const what = bytes.length === 0 ? "empty" : a === 0x3c ? "an HTML page" : `no WebAssembly (it begins with byte ${a})`;
  throw new TypeError(`The WebAssembly could not be loaded: ${from} is ${what}.`);
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null;

// By its tag, not by instanceof: a module may come from another realm (vm, iframes, edge runtimes).
const isModule = (value: unknown): value is WebAssembly.Module =>
  Object.prototype.toString.call(value) === "[object WebAssembly.Module]";

const isBytes = (value: unknown): value is ArrayBuffer | ArrayBufferView =>
  ArrayBuffer.isView(value) || Object.prototype.toString.call(value) === "[object ArrayBuffer]";

const isKernel = (value: unknown): value is KernelExports & Record<string, unknown> =>
  isObject(value) && typeof value["optimizer_step"] === "function";

/** What is inside a module namespace with a default export, or an instance. */
function unwrapped(value: unknown): unknown {
  if (!isObject(value) || isKernel(value)) return value;
  if (isKernel(value["exports"])) return value["exports"];
  const inner = value["default"];
  // Of CommonJS, `default` can be the module itself.
  return inner === undefined || inner === value ? value : unwrapped(inner);
}

/** The memories of instances that have become a runtime: a second runtime would not see the first one's growth. */
const used = new WeakSet<object>();

/** An instance that the host or a bundler made: it is one runtime, and there is no module to make others of. */
function instanceLoader(kernel: KernelExports): BackendLoader {
  return {
    backend: "wasm-simd128",
    instantiate() {
      if (used.has(kernel.memory)) {
        throw new StateError(
          "rmsprop-wasm/slim was given an instance, which is one runtime, and that exists: for more, call init() with the module or its bytes.",
        );
      }
      used.add(kernel.memory);
      return checked(kernel);
    },
  };
}
