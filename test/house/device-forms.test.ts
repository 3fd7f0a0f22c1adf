// No hyper-parameter is forgotten where the formula is written once more, for GPUs and jax-js: there it would be ignored in silence.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { HYPERPARAMETERS } from "../../ts/generated/hyperparameters.js";

const root = join(import.meta.dirname, "..", "..", "ts");
const textOf = (folder: string) =>
  readdirSync(join(root, folder))
    .map((file) => readFileSync(join(root, folder, file), "utf8"))
    .join("\n");

it.each(["tfjs/resident", "jax"])("ts/rule, with ts/%s, reads all of them", (folder) => {
  const text = textOf("rule") + textOf(folder);
  const unread = HYPERPARAMETERS.map(({ option }) => option).filter(
    (option) => !new RegExp(`\\b${option}\\b`).test(text),
  );
  expect(unread).toEqual([]);
});
