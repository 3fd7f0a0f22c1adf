// The declarations show every member that a class has, and no other: what is public by name is public by type.

import { readdirSync, readFileSync } from "node:fs";
import * as everything from "rmsprop-wasm";
import ts from "typescript";
import { describe, expect, it } from "vitest";

const dist = new URL("../../dist/", import.meta.url);

/** The classes that the declarations of the main entry's build variant declare, by name. */
const declared = new Map<string, ts.ClassDeclaration>();
for (const file of readdirSync(dist).filter((name) => /^(index\..*|index|schedules)\.d\.ts$/.test(name))) {
  const text = readFileSync(new URL(file, dist), "utf8");
  for (const node of ts.createSourceFile(file, text, ts.ScriptTarget.Latest).statements) {
    if (ts.isClassDeclaration(node) && node.name) declared.set(node.name.text, node);
  }
}

type Class = abstract new (...args: never[]) => object;

/** The classes of the package that this one is or extends, but for those of the language. */
function chain(top: Class): Class[] {
  const base: Class | null = Object.getPrototypeOf(top);
  const isOurs = typeof base === "function" && base.name !== "" && base !== Error;
  return isOurs ? [top, ...chain(base)] : [top];
}

/** Names of what is on a prototype, or on a class. */
function membersOf(name: string, isStatic: boolean): string[] {
  const { members } = declared.get(name) ?? expect.fail(`There is no declaration of ${name}.`);
  const names = members.flatMap((member) => {
    const flags = ts.getCombinedModifierFlags(member);
    if (flags & ts.ModifierFlags.Abstract || Boolean(flags & ts.ModifierFlags.Static) !== isStatic) return [];
    const isHere = ts.isMethodDeclaration(member) || ts.isAccessor(member);
    return isHere && ts.isIdentifier(member.name) ? [member.name.text] : [];
  });
  return [...new Set(names)].sort();
}

const namesOf = (object: object, ...without: string[]) =>
  Object.getOwnPropertyNames(object)
    .filter((name) => !without.includes(name))
    .sort();

const exported = Object.values(everything).filter(
  (value): value is typeof value & Class => typeof value === "function" && declared.has(value.name),
);
const classes = new Set(exported.flatMap((value) => chain(value)));

it("finds the classes", () => {
  const names = [...classes].map(({ name }) => name);
  for (const name of ["RMSprop", "TunableOptimizer", "Optimizer", "LossScaleOptimizer", "Variable", "CosineDecay"]) {
    expect(names).toContain(name);
  }
  expect(names).toContain("LearningRateSchedule");
  expect(names).toContain("PackageError");
});

describe.each([...classes].map((value) => [value.name, value] as const))("%s", (name, value) => {
  it("has the members that are declared", () => {
    expect(namesOf(value.prototype, "constructor")).toEqual(membersOf(name, false));
    expect(namesOf(value, "length", "name", "prototype")).toEqual(membersOf(name, true));
  });
});
