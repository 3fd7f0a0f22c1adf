// The check of the syntax that old engines parse: what it finds, and what it lets through.
import { expect, it } from "vitest";
import { ENGINES, tooNew } from "../../scripts/check-syntax.mjs";

it.each([
  ["a static block", "class A { static { f(A); } }", ["firefox92", "safari15"]],
  ["a lookbehind", "export const a = /(?<=a)b/;", ["safari15"]],
  ["`using`", "{ using a = f(); }", ENGINES],
  [
    "a class with private members",
    "class A { #a = 1; static b = 2; #c() { return this.#a ?? A.b; } d() { this.#c(); } }",
    [],
  ],
  ["an optional call, a big integer, a getter", "export const a = (b) => ({ get c() { return b?.(1n ** 2n); } });", []],
])("%s", async (_, code, engines) => {
  const found = await Promise.all(ENGINES.map((engine) => tooNew(code, engine)));
  expect(ENGINES.filter((_, i) => found[i] !== undefined)).toEqual(engines);
});

it("says where", async () => {
  expect(await tooNew("f();\nexport const a = /(?<=a)b/;", "safari15")).toBe("export const a = /(?<=a)b/;");
});
