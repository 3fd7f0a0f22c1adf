// The page "This browser": what the package finds here, and a self-test.

import { backend } from "rmsprop-wasm";
import dataUrl from "../../../examples/digits/digits.csv.gz?url";
import { version } from "../../../package.json";
import expected from "../expected.json";
import { copyText, create, part, setText } from "../parts/dom.js";
import { LiveRegion } from "../parts/live-region.js";
import type { SelfTestAnswer } from "./messages.js";

type Row = readonly [name: string, value: string];

/** The smallest module with a SIMD instruction: a function that returns a zero v128. */
const SIMD = [
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11,
];

/** Fills the page below `root`; returns what ends it. */
export function startBrowser(root: HTMLElement): () => void {
  const end = new AbortController();
  const region = new LiveRegion(part(root, "live"), end.signal);
  const rows: Row[] = facts();
  const show = () => {
    const body = part<HTMLTableElement>(root, "facts").tBodies[0]!;
    body.replaceChildren(
      ...rows.map(([name, value]) =>
        create("tr", {}, create("th", { scope: "row", textContent: name }), create("td", { textContent: value })),
      ),
    );
  };
  show();

  const button = part<HTMLButtonElement>(root, "test");
  const runTest = async () => {
    button.disabled = true;
    setText(part(root, "outcome"), "Testing …");
    const found = await selfTest(end.signal);
    if (end.signal.aborted) return;
    button.disabled = false;
    if ("failure" in found) {
      setText(part(root, "outcome"), `The self-test failed: ${found.failure}`);
    } else {
      rows.push(...resultRows(found));
      show();
      const isRight = found.checksum === expected.digits;
      const words = isRight
        ? `✓ ${found.checksum}: the bits that every engine computes.`
        : `✗ ${found.checksum} instead of ${expected.digits}: please report it, with this table.`;
      setText(part(root, "outcome"), words);
      button.hidden = true;
    }
    region.say(() => part(root, "outcome").textContent ?? "");
  };
  button.addEventListener("click", () => void runTest(), { signal: end.signal });
  const copy = part<HTMLButtonElement>(root, "copy");
  copy.addEventListener("click", () => void copyText(copy, markdown(rows), "Copy failed"), { signal: end.signal });
  button.disabled = false;
  copy.disabled = false;
  root.dataset["state"] = "ready";
  return () => end.abort();
}

function facts(): Row[] {
  const computes = backend();
  const isIsolated = globalThis.crossOriginIsolated === true;
  return [
    ["rmsprop-wasm", version],
    ["Backend", computes === "js" ? `plain JavaScript: ${whyNoWasm()}` : "WebAssembly with SIMD"],
    ["WebAssembly", typeof WebAssembly === "undefined" ? "no" : canCompile() ? "yes" : "not allowed here"],
    ["SIMD", typeof WebAssembly !== "undefined" && WebAssembly.validate(new Uint8Array(SIMD)) ? "yes" : "no"],
    ["Cross-origin isolation", isIsolated ? "yes" : "no"],
    ["Threads", isIsolated ? "possible" : "not here: shared memory needs cross-origin isolation"],
    ["Cores", String(navigator.hardwareConcurrency ?? "not told")],
    ["Origin private file system", typeof navigator.storage?.getDirectory === "function" ? "yes" : "no"],
    ["Browser", navigator.userAgent],
  ];
}

function whyNoWasm(): string {
  if (typeof WebAssembly === "undefined") return "there is no WebAssembly here";
  return canCompile() ? "there is no SIMD here" : "the page’s policy forbids WebAssembly";
}

function canCompile(): boolean {
  try {
    return new WebAssembly.Module(new Uint8Array(SIMD.slice(0, 8))) instanceof WebAssembly.Module;
  } catch {
    return false;
  }
}

async function selfTest(signal: AbortSignal): Promise<SelfTestAnswer> {
  try {
    const response = await fetch(dataUrl, { signal });
    if (!response.ok) throw new Error(`${dataUrl}: ${response.status}`);
    const data = await response.arrayBuffer();
    const worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
    signal.addEventListener("abort", () => worker.terminate());
    const found = await new Promise<SelfTestAnswer>((resolve) => {
      worker.onmessage = ({ data: answer }: MessageEvent<SelfTestAnswer>) => resolve(answer);
      worker.onerror = ({ message }) => resolve({ failure: message || "the worker ended" });
      worker.postMessage(data);
    });
    worker.terminate();
    return found;
  } catch (error) {
    return { failure: String(error) };
  }
}

const resultRows = ({ checksum, time, nanoseconds }: Exclude<SelfTestAnswer, { failure: string }>): Row[] => [
  ["CRC-32 of the training", `${checksum} (${checksum === expected.digits ? "right" : `expected ${expected.digits}`})`],
  ["Training, 1,800 steps", `${(time / 1000).toFixed(2)} s`],
  ["A step over 1 M weights", `${nanoseconds.toFixed(2)} ns a weight`],
];

function markdown(rows: readonly Row[]): string {
  return [
    "| | |",
    "| --- | --- |",
    ...rows.map(([name, value]) => `| ${name} | ${value.replaceAll("|", "\\|")} |`),
  ].join("\n");
}
