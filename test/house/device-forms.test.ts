// Neither a hyper-parameter nor a slot is forgotten where the formula is written once more, for GPUs and jax-js: there it would be
// ignored in silence.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { BEGINS_AT, KEPT_BY, SLOTS } from "../../ts/generated/codes.js";
import { HYPERPARAMETERS } from "../../ts/generated/hyperparameters.js";
import { STATE } from "../../ts/rule/rmsprop.js";

const root = join(import.meta.dirname, "..", "..", "ts");
const textOf = (folder: string) =>
  readdirSync(join(root, folder))
    .map((file) => readFileSync(join(root, folder, file), "utf8"))
    .join("\n");

/** What is in force because a slot is there, or by what it begins with. */
const bySlots = [...KEPT_BY.map((kept) => kept?.option), ...BEGINS_AT];

it.each(["tfjs/resident", "jax"])("ts/rule, with ts/%s, reads all of them", (folder) => {
  const text = textOf("rule") + textOf(folder);
  const unread = HYPERPARAMETERS.map(({ option }) => option).filter(
    (option) => !bySlots.includes(option) && !new RegExp(`\\b${option}\\b`).test(text),
  );
  expect(unread).toEqual([]);
});

it("ts/rule updates all slots but those around the rule", () => {
  const updated = STATE.map(([slot]) => slot);
  expect([...updated, "average", "gradient_accumulator"].sort()).toEqual([...SLOTS].sort());
});
