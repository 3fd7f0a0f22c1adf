// Calls of `override` in any order: what a variable does is what a list of all calls says, read from its end.
import * as fc from "fast-check";
import { type OverrideSelection, RMSprop, Variable, type VariableOverrides } from "rmsprop-wasm";
import { expect, it } from "vitest";
import { runtimes } from "./arbitraries.js";

const NAMES = ["kernel", "bias", "gamma"];
const DEFAULTS = { learningRateMultiplier: 1, weightDecay: null, trainable: true };

interface Call {
  readonly variables: readonly number[];
  readonly names: readonly string[];
  readonly given: VariableOverrides;
}

const given: fc.Arbitrary<VariableOverrides> = fc.record(
  {
    learningRateMultiplier: fc.constantFrom(null, 0.5, 2),
    weightDecay: fc.constantFrom<(number | false | null)[]>(null, false, 0, 0.1),
    trainable: fc.constantFrom(null, true, false),
  },
  { requiredKeys: [] },
);
const call: fc.Arbitrary<Call> = fc.record({
  variables: fc.uniqueArray(fc.nat(5), { maxLength: 3 }),
  names: fc.oneof({ weight: 3, arbitrary: fc.constant([]) }, fc.subarray(NAMES)),
  given,
});

/** What the calls say of a variable: for each option the last that selects it and gives the option. */
function expected(calls: readonly Call[], index: number): object {
  const fields = Object.entries(DEFAULTS).map(([field, otherwise]) => {
    const values = calls
      .filter(({ variables, names }) => variables.includes(index) || names.includes(NAMES[index % 3]!))
      .map(({ given }) => given[field as keyof VariableOverrides])
      .filter((value) => value !== undefined);
    return [field, values.at(-1) ?? otherwise];
  });
  return Object.fromEntries(fields);
}

it("is what the last calls say, before and after build, add and remove", () => {
  fc.assert(
    fc.property(fc.array(call, { maxLength: 12 }), fc.nat(12), fc.nat(5), (calls, builtAt, removed) => {
      const runtime = runtimes.wasm;
      const make = (i: number) => new Variable(1, { name: NAMES[i % 3]!, path: `${i}`, runtime });
      const variables = Array.from({ length: 6 }, (_, i) => make(i));
      const optimizer = new RMSprop({ learningRate: 1, weightDecay: 0.25 });
      const say = (call: Call) => {
        const which: OverrideSelection = {
          variables: call.variables.map((i) => variables[i]!),
          names: call.names.map((name) => new RegExp(`^${name}$`)),
          optional: true,
        };
        optimizer.override(which, call.given);
      };
      for (const each of calls.slice(0, builtAt)) say(each);
      optimizer.build(variables.slice(0, 3));
      for (const each of calls.slice(builtAt)) say(each);
      optimizer.add(variables.slice(3));
      expect(variables.map((variable) => optimizer.overridesOf(variable))).toEqual(
        variables.map((_, i) => expected(calls, i)),
      );
      // In memory too: with gradients of 0, the step is the decay.
      optimizer.step();
      const decayed = variables.map((_, i) => {
        const { learningRateMultiplier, weightDecay, trainable } = expected(calls, i) as Required<VariableOverrides>;
        if (!trainable || weightDecay === false) return 1;
        return Math.fround(1 - Math.fround(weightDecay ?? 0.25) * learningRateMultiplier!);
      });
      expect(variables.map(({ value }) => value[0])).toEqual(decayed);

      // What was said of a variable goes with it; what was said of its name stays.
      optimizer.remove([variables[removed]!]);
      optimizer.add([variables[removed]!]);
      const named = calls.map((each) => ({ ...each, variables: each.variables.filter((i) => i !== removed) }));
      expect(optimizer.overridesOf(variables[removed]!)).toEqual(expected(named, removed));
      for (const each of [optimizer, ...variables]) each.free();
    }),
    { numRuns: 300 },
  );
});
