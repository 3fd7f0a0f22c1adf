// Overrides of single parameters: leaves of the tree, by their names and paths.
import type { tree } from "@jax-js/jax";
import {
  assertOverridesMatch,
  checkedOverride,
  type Override,
  overridden,
  type ResolvedOverrides,
  withOverride,
} from "../optimizers/overrides.js";
import type { Named, OverrideSelection } from "../optimizers/variable-selection.js";
import { message } from "../support/messages.js";

/** Which leaves `override` is about. A leaf's path is the keys to it, such as `dense/kernel`; its name is the last one. */
export type LeafSelection = Omit<OverrideSelection, "variables">;

/** A name and a path for each leaf, in the order of `tree.flatten`. */
function namesOf(structure: tree.JsTreeDef, path = ""): Named[] {
  const { nodeType, nodeMetadata, childTreedefs } = structure;
  if (nodeType === "Leaf") return [{ name: path.slice(path.lastIndexOf("/") + 1), path }];
  return childTreedefs.flatMap((child, i) => {
    const key = String(nodeType === "Object" ? (nodeMetadata as readonly string[])[i] : i);
    return namesOf(child, path === "" ? key : `${path}/${key}`);
  });
}

/** The overrides of a transformation. */
export class LeafOverrides {
  #all: readonly Override<Named>[] = [];

  /** Whether any leaf may have a weight decay of its own. */
  get decays(): boolean {
    return this.#all.some(({ given }) => typeof given.weightDecay === "number");
  }

  add(which: unknown, options: unknown): void {
    const override = checkedOverride<Named>(which, options, (variables) => {
      if (Array.isArray(variables) && variables.length === 0) return [];
      throw new TypeError(message("variables", "left out: leaves have names and paths", variables));
    });
    this.#all = withOverride(this.#all, override);
  }

  /**
   * The options of each leaf after all overrides; `undefined` if there are none.
   *
   * @throws {RangeError} if one matches no leaf, unless it is optional.
   */
  of(structure: tree.JsTreeDef): readonly ResolvedOverrides[] | undefined {
    if (this.#all.length === 0) return undefined;
    const names = namesOf(structure);
    assertOverridesMatch(this.#all, names, (named) => named);
    return names.map((named) => overridden(this.#all, named, named));
  }
}
