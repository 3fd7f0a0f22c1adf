// Overrides of single parameters: leaves of the tree, by their names and paths.
import type { tree } from "@jax-js/jax";
import { OverrideIndex } from "../optimizers/override-index.js";
import { assertOverridesMatch, checkedOverride, type ResolvedOverrides } from "../optimizers/overrides.js";
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

/** The options of the leaves of one tree. */
interface Known {
  readonly structure: tree.JsTreeDef;
  readonly options: readonly ResolvedOverrides[];
}

const byItself = (named: Named): Named => named;

/** The overrides of a transformation. */
export class LeafOverrides {
  readonly #overrides = new OverrideIndex<Named>(byItself);
  /** Of the last call of `of`. */
  #known: Known | undefined;

  /** Whether any leaf may have a weight decay of its own. */
  get decays(): boolean {
    return this.#overrides.all.some(({ given }) => typeof given.weightDecay === "number");
  }

  add(which: unknown, options: unknown): void {
    const override = checkedOverride<Named>(which, options, (variables) => {
      if (Array.isArray(variables) && variables.length === 0) return [];
      throw new TypeError(message("variables", "left out: leaves have names and paths", variables));
    });
    this.#overrides.add(override);
    this.#known = undefined;
  }

  /**
   * The options of each leaf after all overrides; `undefined` if there are none. Found once for a tree: each pattern is searched in
   * each name.
   *
   * @throws {RangeError} if one matches no leaf, unless it is optional.
   */
  of(structure: tree.JsTreeDef): readonly ResolvedOverrides[] | undefined {
    const { all } = this.#overrides;
    if (all.length === 0) return undefined;
    if (!this.#known?.structure.equals(structure)) {
      const names = namesOf(structure);
      assertOverridesMatch(all, () => names, byItself);
      this.#known = { structure, options: names.map((named) => this.#overrides.of(named)) };
    }
    return this.#known.options;
  }
}
