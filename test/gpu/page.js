// In the page: all cases on the backend that the address names, and what can be counted. Leaves complaints in `globalThis.report`.
import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-layers";
import "@tensorflow/tfjs-backend-webgl";
import "@tensorflow/tfjs-backend-webgpu";
import * as rmsprop from "rmsprop-wasm";
import * as tfjs from "rmsprop-wasm/tfjs";
import { CASES, check } from "./cases.js";
import { convolution } from "./convolution.js";
import { device } from "./device.js";
import { launches } from "./launches.js";
import { special } from "./special.js";
import { times } from "./times.js";
import { transfers } from "./transfers.js";

/** @import { Outcome, PageReport, Result, Trials } from "./types.js" */

const query = new URLSearchParams(location.search);
const backend = query.get("backend") === "webgpu" ? "webgpu" : "webgl";
const parts = query.get("parts")?.split(",") ?? [];

const textOf = (/** @type {any} */ error) => String(error?.stack ?? error);
/** @param {PageReport} report */
const leave = (report) => Object.assign(globalThis, { report });

/** @type {Result[]} */
const results = [];
/** @type {(name: string, work: () => Outcome | Promise<Outcome>) => Promise<void>} */
const part = async (name, work) => {
  const started = performance.now();
  /** @type {readonly string[]} */
  let complaints = [];
  let detail = "";
  try {
    const given = await work();
    if ("complaints" in given) ({ complaints, detail } = given);
    else complaints = given;
  } catch (error) {
    complaints = [textOf(error).slice(0, 600)];
    tf.disposeVariables();
  }
  results.push({ name, complaints, detail, milliseconds: Math.round(performance.now() - started) });
};

// An invalid shader throws nothing: it computes nothing, and says so in the console alone.
/** @type {string[]} */
const warnings = [];
for (const level of /** @type {const} */ (["error", "warn"])) {
  const original = console[level];
  console[level] = (/** @type {unknown[]} */ ...args) => {
    warnings.push(args.map(String).join(" ").slice(0, 300));
    original.apply(console, args);
  };
}

try {
  // Else small tensors that are not on the device yet are computed with in JavaScript.
  tf.env().set("WEBGL_CPU_FORWARD", false);
  tf.env().set("WEBGPU_CPU_FORWARD", false);
  if (!(await tf.setBackend(backend))) throw new Error(`there is no ${backend} here`);
  await tf.ready();
  if (parts.includes("cases")) {
    const norms = { gradientNorm: true, updateNorm: true };
    const ways = {
      kernel: { resident: /** @type {const} */ (true) },
      "kernel, measured": { resident: /** @type {const} */ (true), measure: norms },
      composed: { resident: /** @type {const} */ ("composed") },
    };
    for (const [way, how] of Object.entries(ways)) {
      for (const [name, of] of Object.entries(CASES)) {
        await part(`${way}: ${name}`, () => check(tf, tfjs, rmsprop, of, how));
      }
    }
  }
  /** @type {Readonly<Record<string, Trials>>} */
  const more = { special, launches, convolution, transfers, times };
  for (const [name, work] of Object.entries(more)) {
    if (!parts.includes(name)) continue;
    for (const [title, run] of Object.entries(work))
      await part(`${name}: ${title}`, () => run(tf, tfjs, rmsprop, backend));
  }
  await part("no complaint in the console", () =>
    warnings.filter((text) => /shader|webgpu|webgl|wgsl|glsl/i.test(text) && !/use asynchronous APIs/.test(text)),
  );
  leave({ device: await device(tf, backend), results });
} catch (error) {
  leave({ failure: textOf(error), results });
}
