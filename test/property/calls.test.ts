// Random sequences of calls, right and wrong: a call that fails changes nothing, and both backends agree on every outcome.
import * as fc from "fast-check";
import { CosineDecay, LossScaleOptimizer, RMSprop, type RMSpropOptions, type Runtime, Variable } from "rmsprop-wasm";
import { expect, it } from "vitest";
import { numbers } from "../noise.mjs";
import { bitsOf, noise, options, runtimes } from "./arbitraries.js";

/** One side of the comparison: the same objects in one of the runtimes. */
class World {
  readonly variables: readonly Variable[];
  readonly optimizer: RMSprop | LossScaleOptimizer;
  readonly stranger: Variable;
  /** While set, the constraint of the second variable throws, and so does a learning rate that is a function. */
  broken = false;

  constructor(settings: RMSpropOptions, scaled: boolean, runtime: Runtime) {
    const constraint = (value: Float32Array) => {
      if (this.broken) value.fill(9);
      this.check();
      if (value[0]! < -10) value[0] = 0;
    };
    this.variables = [
      new Variable(numbers(20, { seed: 1, kind: "unit" }), { name: "a", runtime }),
      new Variable([1, 2, 3], { name: "b", constraint, runtime }),
      new Variable(1, { name: "c", overwriteWithGradient: true, runtime }),
      new Variable([], { name: "d", runtime }),
    ];
    this.stranger = new Variable([1], { name: "stranger", runtime });
    const inner = new RMSprop({ ...settings, name: "inner" });
    this.optimizer = scaled ? new LossScaleOptimizer(inner, { name: "outer", dynamicGrowthSteps: 3 }) : inner;
  }

  check(): void {
    if (this.broken) throw new Error("broken");
  }

  get inner(): RMSprop {
    return this.optimizer instanceof RMSprop ? this.optimizer : this.optimizer.innerOptimizer;
  }

  state(): string[] {
    const alive = this.variables.filter(({ freed }) => !freed);
    try {
      return bitsOf(this.optimizer, alive);
    } catch (error) {
      return [String(error), ...alive.map(({ value }) => value.join())];
    }
  }

  free(): void {
    this.optimizer.free();
    for (const variable of [...this.variables, this.stranger]) variable.free();
  }
}

type Call = (world: World) => unknown;

const gradient: fc.Arbitrary<(variable: Variable) => unknown> = fc.oneof(
  { arbitrary: noise.map((kind) => (variable: Variable) => numbers(variable.size, kind)), weight: 30 },
  { arbitrary: fc.constant(() => null), weight: 6 },
  {
    arbitrary: fc.constantFrom([1], [1, "2", 3], "12", undefined, new BigInt64Array(3)).map((wrong) => () => wrong),
    weight: 1,
  },
);
const which = fc.oneof(fc.constant([0, 1, 2, 3]), fc.uniqueArray(fc.nat(3), { maxLength: 4 }));
const strange = fc.integer({ min: 0, max: 9 }).map((draw) => draw === 0);

const chosen = (world: World, indices: readonly number[], withStranger: boolean) => [
  ...indices.map((index) => world.variables[index]!),
  ...(withStranger ? [world.stranger] : []),
];

const value = fc.oneof(
  fc.double({ min: 0, max: 1, noNaN: true }),
  fc.constantFrom(null, Number.NaN, "1", true, false, 0, 2, 3),
);
const property = fc.constantFrom(
  "rho",
  "momentum",
  "epsilon",
  "centered",
  "weightDecay",
  "clipnorm",
  "clipvalue",
  "globalClipnorm",
  "useEma",
  "emaMomentum",
  "emaOverwriteFrequency",
  "gradientAccumulationSteps",
);

const call: fc.Arbitrary<{ name: string; run: Call }> = fc.oneof(
  ...(
    [
      [
        4,
        "build",
        fc.tuple(which, strange).map(
          ([indices, odd]) =>
            (world: World) =>
              world.optimizer.build(chosen(world, indices, odd)),
        ),
      ],
      [8, "step", fc.constant((world: World) => world.optimizer.step())],
      [
        8,
        "apply",
        fc
          .tuple(fc.array(gradient, { minLength: 4, maxLength: 4 }), strange)
          .map(([gradients, odd]) => (world: World) => {
            return world.optimizer.apply(
              gradients.slice(Number(odd)).map((make, i) => make(world.variables[i]!)) as never,
            );
          }),
      ],
      [
        8,
        "apply some",
        fc.tuple(which, strange, gradient).map(([indices, odd, make]) => (world: World) => {
          const variables = chosen(world, indices, odd);
          return world.optimizer.apply(variables.map((variable) => make(variable)) as never, variables);
        }),
      ],
      [
        3,
        "applyGradients",
        fc.tuple(which, gradient).map(([indices, make]) => (world: World) => {
          return world.optimizer.applyGradients(
            chosen(world, indices, false).map((variable) => [make(variable) as never, variable]),
          );
        }),
      ],
      [
        3,
        "minimize",
        fc.tuple(which, strange).map(([indices, odd]) => (world: World) => {
          return world.optimizer.minimize(
            () => {
              world.check();
              return odd ? (undefined as never) : 1;
            },
            chosen(world, indices, false),
          );
        }),
      ],
      [
        4,
        "property",
        fc.tuple(property, value).map(
          ([key, given]) =>
            (world: World) =>
              void Object.assign(world.inner, { [key]: given }),
        ),
      ],
      [
        2,
        "learningRate",
        fc
          .constantFrom<unknown>(
            0.5,
            0,
            Number.NaN,
            "1",
            new CosineDecay({ initialLearningRate: 1, decaySteps: 9 }),
            "function",
          )
          .map((rate) => (world: World) => {
            const atStep = (step: number) => {
              world.check();
              return 1 / (step + 1);
            };
            world.optimizer.learningRate = (rate === "function" ? atStep : rate) as number;
          }),
      ],
      [
        2,
        "excludeFromWeightDecay",
        fc
          .constantFrom<unknown>({ names: ["a"] }, { names: "a" }, { names: ["("] }, {}, null)
          .map((given) => (world: World) => {
            return world.optimizer.excludeFromWeightDecay(given as never);
          }),
      ],
      [1, "finalizeVariableValues", fc.constant((world: World) => world.optimizer.finalizeVariableValues())],
      [1, "zeroGradients", fc.constant((world: World) => world.optimizer.zeroGradients())],
      [
        3,
        "loadOwnVariables",
        fc
          .tuple(fc.nat(9), fc.constantFrom<unknown>("keep", "remove", 7, [Number.NaN], "x", null))
          .map(([index, given]) => (world: World) => {
            const entries = Object.entries(world.optimizer.saveOwnVariables());
            const changed = entries.map(([key, values]) => [
              key,
              Number(key) === index && given !== "keep" ? given : values,
            ]);
            return world.optimizer.loadOwnVariables(
              Object.fromEntries(changed.filter(([, values]) => values !== "remove")),
            );
          }),
      ],
      [
        2,
        "assign",
        fc.tuple(fc.nat(3), gradient).map(([index, make]) => (world: World) => {
          return world.variables[index]!.assign(make(world.variables[index]!) as never);
        }),
      ],
      [
        2,
        "slot",
        fc.tuple(fc.nat(4), fc.constantFrom("velocity", "momentum", "x")).map(([index, slot]) => (world: World) => {
          return world.optimizer.slot(slot as never, world.variables[index] ?? world.stranger)?.length;
        }),
      ],
      [4, "break", fc.boolean().map((broken) => (world: World) => void Object.assign(world, { broken }))],
    ] as const
  ).map(([weight, name, arbitrary]) => ({
    weight,
    arbitrary: (arbitrary as fc.Arbitrary<Call>).map((run) => ({ name, run, toString: () => name })),
  })),
);

/** The end of a world: at most one of these per sequence. */
const end: fc.Arbitrary<{ name: string; run: Call }> = fc
  .constantFrom(0, 1, 2, 3, 4)
  .map((index) => ({ name: "free", run: (world) => (world.variables[index] ?? world.optimizer).free() }));

function outcome(world: World, run: Call): string {
  try {
    return `returned ${String(run(world))}`;
  } catch (error) {
    return `threw ${String(error)}`;
  }
}

it("never leave anything half done, and have the same outcome on both backends", { timeout: 60_000 }, () => {
  const seen = new Map<string, number>();
  fc.assert(
    fc.property(
      options,
      fc.boolean(),
      fc.array(call, { minLength: 5, maxLength: 40 }),
      fc.option(end),
      fc.array(call, { maxLength: 8 }),
      (settings, scaled, calls, last, after) => {
        const [wasm, js] = [new World(settings, scaled, runtimes.wasm), new World(settings, scaled, runtimes.js)];
        for (const { name, run } of [...calls, ...(last ? [last, ...after] : [])]) {
          const before = wasm.state();
          const [first, second] = [outcome(wasm, run), outcome(js, run)];
          expect(second, name).toBe(first);
          expect(js.state(), name).toEqual(wasm.state());
          if (first.startsWith("threw")) expect(wasm.state(), `${name} ${first}`).toEqual(before);
          const kind = `${name} ${first.split(" ")[0]}`;
          seen.set(kind, (seen.get(kind) ?? 0) + 1);
        }
        wasm.free();
        js.free();
      },
    ),
    { numRuns: 300 },
  );
  // Most calls must have got somewhere, or the sequences say nothing.
  for (const name of ["build", "step", "apply", "apply some", "minimize", "property", "loadOwnVariables", "assign"]) {
    expect(seen.get(`${name} returned`) ?? 0, `${name} returned`).toBeGreaterThan(0);
    expect(seen.get(`${name} threw`) ?? 0, `${name} threw`).toBeGreaterThan(0);
  }
});
