// Every row of docs/errors.md: its example fails with its class and its message, and has changed nothing.

import assert from "node:assert/strict";
import * as everything from "rmsprop-wasm";
import * as checkpoint from "rmsprop-wasm/checkpoint";
import * as onlyJs from "rmsprop-wasm/js";
import * as slim from "rmsprop-wasm/slim";
import { describe, it } from "vitest";
import { throws } from "./check.js";
import { blocks, codeOf, tableRows } from "./pages.js";

const page = "docs/errors.md";
const [setting] = blocks(page);
const names = { ...everything, checkpoint, onlyJs, slim, throws, assert };

const types = [
  "TypeError",
  "RangeError",
  "StateError",
  "OutOfMemoryError",
  "BackendUnavailableError",
  "CheckpointError",
];

describe.each(types)("%s", (type) => {
  it.each(tableRows(page, `## ${type}`))("%s", (_, example, message) => {
    const code = `${setting!.code}
      const state = () => [[w, kernel].map((v) => [v.value.slice(), v.gradient.slice()]), optimizer.saveOwnVariables(), optimizer.getConfig()];
      const before = state();
      throws(() => { ${codeOf(example!)} }, ${JSON.stringify(type)}, ${JSON.stringify(codeOf(message!))});
      assert.deepEqual(state(), before);`;
    new Function(...Object.keys(names), code)(...Object.values(names));
  });
});
