// The formula as the text of a shader: each operation a line of its own.

import type { ConditionalArithmetic } from "../../rule/conditional.js";

/** What the shading languages say differently. */
export interface Language {
  /** Begins the declaration of a number: `let`, `vec4`. */
  readonly declare: string;
  /** The lines that make `name` what is chosen of `a`: see `ConditionalArithmetic`. */
  positive(name: string, a: string, least: string): string;
  clamp(name: string, a: string, limit: string): string;
  /** A flag is 1 or 0. */
  where(name: string, flag: string, a: string, b: string): string;
}

/** An arithmetic that writes lines, and the lines. */
export class Shader implements ConditionalArithmetic<string> {
  readonly #language: Language;
  #count = 0;
  code = "";

  constructor(language: Language) {
    this.#language = language;
  }

  add(a: string, b: string): string {
    return this.#declare(`${a} + ${b}`);
  }

  sub(a: string, b: string): string {
    return this.#declare(`${a} - ${b}`);
  }

  mul(a: string, b: string): string {
    return this.#declare(`${a} * ${b}`);
  }

  div(a: string, b: string): string {
    return this.#declare(`${a} / ${b}`);
  }

  sqrt(a: string): string {
    return this.#declare(`sqrt(${a})`);
  }

  positive(a: string, least: string): string {
    return this.#line((name) => this.#language.positive(name, a, least));
  }

  clamp(a: string, limit: string): string {
    return this.#line((name) => this.#language.clamp(name, a, limit));
  }

  where(flag: string, a: string, b: string): string {
    return this.#line((name) => this.#language.where(name, flag, a, b));
  }

  #declare(expression: string): string {
    return this.#line((name) => `${this.#language.declare} ${name} = ${expression};`);
  }

  #line(write: (name: string) => string): string {
    const name = `t${this.#count++}`;
    this.code += `  ${write(name)}\n`;
    return name;
  }
}
