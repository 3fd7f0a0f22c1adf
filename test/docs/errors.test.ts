// Every row of docs/errors.md: its example fails with its class and its message, and has changed nothing.

import assert from "node:assert/strict";
import { numpy as np } from "@jax-js/jax";
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import * as hdf5 from "jsfive";
import * as everything from "rmsprop-wasm";
import * as checkpoint from "rmsprop-wasm/checkpoint";
import * as node from "rmsprop-wasm/checkpoint/node";
import * as jax from "rmsprop-wasm/jax";
import * as onlyJs from "rmsprop-wasm/js";
import * as keras from "rmsprop-wasm/keras";
import * as pytorch from "rmsprop-wasm/pytorch";
import * as slim from "rmsprop-wasm/slim";
import * as tfjs from "rmsprop-wasm/tfjs";
import { describe, it } from "vitest";
import { rejects } from "./check.js";
import { blocks, codeOf, tableRows } from "./pages.js";

const page = "docs/errors.md";
const [setting] = blocks(page);
const entries = { checkpoint, jax, keras, node, onlyJs, pytorch, slim, tfjs };
const names = { ...everything, ...entries, hdf5, np, tf, rejects, assert };
const AsyncFunction = (async () => {}).constructor as new (...code: string[]) => (...given: unknown[]) => Promise<void>;

const types = [
  "TypeError",
  "RangeError",
  "StateError",
  "OutOfMemoryError",
  "BackendUnavailableError",
  "CheckpointError",
];

describe.each(types)("%s", (type) => {
  it.each(tableRows(page, `## ${type}`))("%s", async (_, example, message) => {
    const code = `${setting!.code}
      const state = () => [[w, kernel].map((v) => [v.value.slice(), v.gradient.slice()]), optimizer.saveOwnVariables(), optimizer.getConfig()];
      const before = state();
      await rejects(async () => { ${codeOf(example!)} }, ${JSON.stringify(type)}, ${JSON.stringify(codeOf(message!))});
      assert.deepEqual(state(), before);`;
    await new AsyncFunction(...Object.keys(names), code)(...Object.values(names));
  });
});
