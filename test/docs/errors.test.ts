// Every example of error-cases.ts fails with its class and its message, and has changed nothing. The messages that
// docs/errors.md lists are among them.

import assert from "node:assert/strict";
import { numpy as np } from "@jax-js/jax";
import * as everything from "rmsprop-wasm";
import * as checkpoint from "rmsprop-wasm/checkpoint";
import * as node from "rmsprop-wasm/checkpoint/node";
import * as jax from "rmsprop-wasm/jax";
import * as onlyJs from "rmsprop-wasm/js";
import * as keras from "rmsprop-wasm/keras";
import * as pytorch from "rmsprop-wasm/pytorch";
import * as slim from "rmsprop-wasm/slim";
import * as tfjs from "rmsprop-wasm/tfjs";
import { describe, expect, it } from "vitest";
import { rejects } from "./check.js";
import { errorCases } from "./error-cases.js";
import { codeOf, tableRows } from "./pages.js";
import * as tf from "./tfjs.js";

const entries = { checkpoint, jax, keras, node, onlyJs, pytorch, slim, tfjs };
const names = { ...everything, ...entries, np, tf, rejects, assert };
const AsyncFunction = (async () => {}).constructor as new (...code: string[]) => (...given: unknown[]) => Promise<void>;

/** What the examples begin with. */
const setting = `
  const w = new Variable(10, { name: "w" });
  const kernel = new Variable([1, 2, 3, 4, 5, 6], { name: "kernel", path: "dense/kernel", shape: [2, 3] });
  const optimizer = new RMSprop({ learningRate: 0.1, name: "optimizer" });
  optimizer.build([w, kernel]);
  const schedule = new CosineDecay({ initialLearningRate: 0.1, decaySteps: 100 });
  const scheduled = new RMSprop({ learningRate: schedule, name: "scheduled" });
  const state = () => [[w, kernel].map((v) => [v.value.slice(), v.gradient.slice()]), optimizer.saveOwnVariables(), optimizer.getConfig()];
  const before = state();`;

describe.each(Object.entries(errorCases))("%s", (type, cases) => {
  it.each(cases)("%s", async (message, example) => {
    const code = `${setting}
      await rejects(async () => { ${example} }, ${JSON.stringify(type)}, ${JSON.stringify(message)});
      assert.deepEqual(state(), before);`;
    await new AsyncFunction(...Object.keys(names), code)(...Object.values(names));
  });

  it("is on the page with messages from here", () => {
    const messages = cases.map(([message]) => message);
    for (const [cell] of tableRows("docs/errors.md", `## ${type}`)) {
      const listed = codeOf(cell!);
      expect(listed, cell).not.toBe(cell);
      const start = listed.replace(/…$/, "");
      expect(
        messages.some((message) => message === listed || message.startsWith(start)),
        listed,
      ).toBe(true);
    }
  });
});
