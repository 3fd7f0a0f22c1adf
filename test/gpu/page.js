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
import { transfers } from "./transfers.js";

const query = new URLSearchParams(location.search);
const backend = query.get("backend");
const parts = query.get("parts").split(",");

const results = [];
const part = async (name, work) => {
  const started = performance.now();
  let [complaints, detail] = [[], ""];
  try {
    const given = await work();
    if (Array.isArray(given)) complaints = given;
    else ({ complaints = [], detail = "" } = given);
  } catch (error) {
    complaints = [String(error?.stack ?? error).slice(0, 600)];
    tf.disposeVariables();
  }
  results.push({ name, complaints, detail, milliseconds: Math.round(performance.now() - started) });
};

// An invalid shader throws nothing: it computes nothing, and says so in the console alone.
const warnings = [];
for (const level of ["error", "warn"]) {
  const original = console[level];
  console[level] = (...args) => {
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
    for (const resident of [true, "composed"]) {
      for (const [name, of] of Object.entries(CASES)) {
        await part(`${resident === true ? "kernel" : resident}: ${name}`, () =>
          check(tf, tfjs, rmsprop, of, { resident }),
        );
      }
    }
  }
  const more = { special, launches, convolution, transfers };
  for (const [name, work] of Object.entries(more)) {
    if (!parts.includes(name)) continue;
    for (const [title, run] of Object.entries(work))
      await part(`${name}: ${title}`, () => run(tf, tfjs, rmsprop, backend));
  }
  await part("no complaint in the console", () =>
    warnings.filter((text) => /shader|webgpu|webgl|wgsl|glsl/i.test(text) && !/use asynchronous APIs/.test(text)),
  );
  globalThis.report = { device: await device(tf, backend), results };
} catch (error) {
  globalThis.report = { failure: String(error?.stack ?? error), results };
}
