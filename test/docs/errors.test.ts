// Every entry of docs/errors.md: its example fails with its class and its message, and has changed nothing.

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
import { blocks, codeOf, read } from "./pages.js";
import * as tf from "./tfjs.js";

const page = "docs/errors.md";
const [setting] = blocks(page);
const entries = { checkpoint, jax, keras, node, onlyJs, pytorch, slim, tfjs };
const names = { ...everything, ...entries, np, tf, rejects, assert };
const AsyncFunction = (async () => {}).constructor as new (...code: string[]) => (...given: unknown[]) => Promise<void>;

// Below the heading of a class, each entry is a message as heading, an example, and mostly a cure.
const sections = read(page)
  .split(/^(?=## )/m)
  .slice(1)
  .map((section) => {
    const [heading, ...entries] = section.split(/^### /m);
    const type = /^## (\w+)/.exec(heading!)![1]!;
    return [type, entries.map((entry) => entry.split("\n\n").map((text) => text.trim()))] as const;
  });

it("has a section for each class, and entries of a message, an example, and at most a paragraph more", () => {
  expect(sections.map(([type]) => type)).toEqual([
    "TypeError",
    "RangeError",
    "StateError",
    "OutOfMemoryError",
    "BackendUnavailableError",
    "CheckpointError",
  ]);
  for (const [, entries] of sections) {
    expect(entries.length).toBeGreaterThan(0);
    for (const entry of entries) {
      const [message, example, ...others] = entry.filter((text) => text !== "");
      expect(codeOf(message!), message).not.toBe(message);
      expect(codeOf(example!), example).not.toBe(example);
      expect(others.length, message).toBeLessThanOrEqual(1);
    }
  }
});

describe.each(sections)("%s", (type, entries) => {
  it.each(entries)("%s", async (message, example) => {
    const code = `${setting!.code}
      const state = () => [[w, kernel].map((v) => [v.value.slice(), v.gradient.slice()]), optimizer.saveOwnVariables(), optimizer.getConfig()];
      const before = state();
      await rejects(async () => { ${codeOf(example!)} }, ${JSON.stringify(type)}, ${JSON.stringify(codeOf(message!))});
      assert.deepEqual(state(), before);`;
    await new AsyncFunction(...Object.keys(names), code)(...Object.values(names));
  });
});
