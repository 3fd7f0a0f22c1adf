// The table of errors of calls on a built optimizer over `a` (2 values) and `b` (3 values): what was done, the error's class,
// the message.
import { type LossScaleOptimizer, RMSprop, StateError, Variable } from "rmsprop-wasm";
import type { ErrorType } from "./construction.js";
import { dataView, detached, lengthened, never, shared, shrunk, tagged, Unprintable } from "./values.js";

export interface Subject {
  readonly optimizer: RMSprop | LossScaleOptimizer;
  readonly a: Variable;
  readonly b: Variable;
  /** A variable that the optimizer was not built with. */
  readonly stranger: Variable;
}

export type CallRow = readonly [what: string, action: (subject: Subject) => unknown, type: ErrorType, message: RegExp];

const good = [1, 2, 3];

/** A gradient for `a` that is wrong, when `b` has a good one that must not be copied. */
const gradient = (what: string, value: () => unknown, type: ErrorType, message: RegExp): CallRow[] => [
  [`apply: ${what}`, ({ optimizer }) => optimizer.apply([value() as never, good]), type, message],
  [
    `apply: ${what}, second`,
    ({ optimizer, a, b }) => optimizer.apply([good, value() as never], [b, a]),
    type,
    new RegExp(message.source.replace("gradients\\[0\\]", "gradients\\[1\\]")),
  ],
  [
    `applyGradients: ${what}`,
    ({ optimizer, a, b }) =>
      optimizer.applyGradients([
        [value() as never, a],
        [good, b],
      ]),
    type,
    new RegExp(message.source.replace("gradients\\[0\\]", "pairs\\[0\\]\\[0\\]")),
  ],
];

const size = 'must be an array of 2 numbers, the size of variable "a"';

const GRADIENTS: CallRow[] = [
  ...gradient("too short", () => [1], RangeError, new RegExp(`\`gradients\\[0\\]\` ${size}; received an array of 1`)),
  ...gradient(
    "too long",
    () => new Float32Array(3),
    RangeError,
    new RegExp(`gradients\\[0\\]\` ${size}.*a Float32Array of 3`),
  ),
  ...gradient("empty", () => [], RangeError, new RegExp(`gradients\\[0\\]\` ${size}; received an array of 0`)),
  ...gradient("a number", () => 1, TypeError, new RegExp(`gradients\\[0\\]\` ${size}; received 1`)),
  ...gradient("undefined", () => undefined, TypeError, new RegExp(`gradients\\[0\\]\` ${size}; received undefined`)),
  ...gradient("a string", () => "12", TypeError, new RegExp(`gradients\\[0\\]\` ${size}; received "12"`)),
  ...gradient("an object", () => ({}), TypeError, new RegExp(`gradients\\[0\\]\` ${size}; received an object`)),
  ...gradient("a variable", () => new Variable([1, 2]), TypeError, new RegExp(`gradients\\[0\\]\` ${size}`)),
  ...gradient(
    "nested",
    () => [[1], [2]],
    TypeError,
    /`gradients\[0\]\[0\]` must be a number: flatten nested arrays; received an array of 1/,
  ),
  ...gradient("of strings", () => [1, "2"], TypeError, /\]\[1\]` must be a number; received "2"/),
  ...gradient("of bigints", () => [1, 2n], TypeError, /\]\[1\]` must be a number; received 2n/),
  ...gradient("with a hole", () => new Array(2), TypeError, /\]\[0\]` must be a number; received undefined/),
  ...gradient("of unprintables", () => [1, new Unprintable()], TypeError, /\]\[1\]` .*a value that cannot be shown/),
  ...gradient("a BigInt64Array", () => new BigInt64Array(2), TypeError, /received a BigInt64Array of 2/),
  ...gradient("shared", () => shared(), TypeError, /not in shared memory \(copy it first\)/),
  ...gradient("detached", () => detached(), TypeError, /its buffer must not be detached/),
  ...gradient(
    "shrunk",
    () => shrunk(),
    RangeError,
    new RegExp(`gradients\\[0\\]\` ${size}; received a Float32Array of 1`),
  ),
  ...gradient("with a length of its own", () => lengthened(3, 2), RangeError, new RegExp(`gradients\\[0\\]\` ${size}`)),
  ...gradient(
    "a BigInt64Array with another tag",
    () => tagged(new BigInt64Array(2), "Float64Array"),
    TypeError,
    new RegExp(`gradients\\[0\\]\` ${size}`),
  ),
  ...gradient("in shared memory with another tag", () => disguised(), TypeError, /not in shared memory/),
  ...gradient("a DataView", () => dataView(2), TypeError, new RegExp(`gradients\\[0\\]\` ${size}`)),
  ...gradient("that throws", () => throwing(), EvalError, /^never$/),
];

/** An array in shared memory that is called an ordinary one. */
function disguised(): Float32Array {
  const array = shared();
  tagged(array.buffer, "ArrayBuffer");
  return array;
}

/** An array whose second element throws when it is read. */
function throwing(): number[] {
  return Object.defineProperty([1, 2], 1, { get: never });
}

const LISTS: CallRow[] = [
  [
    "apply()",
    ({ optimizer }) => optimizer.apply(undefined as never),
    TypeError,
    /`gradients` must be an array.*undefined/,
  ],
  ["apply(null)", ({ optimizer }) => optimizer.apply(null as never), TypeError, /`gradients` must be an array.*null/],
  [
    "apply(typed array)",
    ({ optimizer }) => optimizer.apply(new Float32Array(2) as never),
    TypeError,
    /`gradients` must be an array with one gradient per variable; received a Float32Array of 2/,
  ],
  [
    "apply: too few",
    ({ optimizer }) => optimizer.apply([[1, 2]]),
    RangeError,
    /`gradients` must be an array of 2.*array of 1/,
  ],
  [
    "apply: more than variables",
    ({ optimizer, a }) => optimizer.apply([[1, 2], good], [a]),
    RangeError,
    /`gradients` must be an array of 1, one gradient per variable; received an array of 2/,
  ],
  [
    "apply: fewer than variables",
    ({ optimizer, a, b }) => optimizer.apply([[1, 2]], [a, b]),
    RangeError,
    /`gradients` must be an array of 2/,
  ],
  ["apply: all null", ({ optimizer }) => optimizer.apply([null, null]), RangeError, /No gradients provided/],
  [
    "apply: holes",
    ({ optimizer }) => optimizer.apply(new Array(2)),
    TypeError,
    /`gradients\[0\]` must be an array of 2/,
  ],
  [
    "apply: variables",
    ({ optimizer, a }) => optimizer.apply([[1, 2]], a as never),
    TypeError,
    /`variables` must be an array of variables \(put it in an array: \[variable\]\); received an object \(Variable\)/,
  ],
  [
    "apply: null for variables",
    ({ optimizer }) => optimizer.apply([[1, 2]], null as never),
    TypeError,
    /`variables` must be/,
  ],
  [
    "apply: no variable",
    ({ optimizer, b }) => optimizer.apply([[1, 2], good], [{} as never, b]),
    TypeError,
    /`variables\[0\]` must be a Variable of this copy of the package; received an object/,
  ],
  [
    "apply: a variable twice",
    ({ optimizer, a }) =>
      optimizer.apply(
        [
          [1, 2],
          [3, 4],
        ],
        [a, a],
      ),
    RangeError,
    /`variables` lists variable "a" twice/,
  ],
  [
    "apply: an unknown variable",
    ({ optimizer, b, stranger }) => optimizer.apply([good, [1, 2]], [b, stranger]),
    StateError,
    /^Variable "stranger" is not one of this optimizer's \("a", "b"\): build it with all variables at once/,
  ],
  [
    "applyGradients()",
    ({ optimizer }) => optimizer.applyGradients(undefined as never),
    TypeError,
    /`pairs` must be an iterable/,
  ],
  [
    "applyGradients(1)",
    ({ optimizer }) => optimizer.applyGradients(1 as never),
    TypeError,
    /`pairs` must be an iterable.*1/,
  ],
  [
    "applyGradients: no pairs",
    ({ optimizer, a }) => optimizer.applyGradients([[1, 2] as never, a as never]),
    TypeError,
    /`pairs` must be an iterable of pairs|`pairs\[0\]\[1\]` must be a Variable/,
  ],
  [
    "applyGradients: undefined",
    ({ optimizer }) => optimizer.applyGradients([undefined as never]),
    TypeError,
    /`pairs` must be an iterable of pairs of gradient and variable; received undefined/,
  ],
  [
    "applyGradients: triples",
    ({ optimizer, a }) => optimizer.applyGradients([[[1, 2], a, 1] as never]),
    TypeError,
    /`pairs` must be .*received an array of 3/,
  ],
  [
    "applyGradients: an iterator that throws",
    ({ optimizer, a }) =>
      optimizer.applyGradients(
        (function* () {
          yield [[1, 2], a] as const;
          never();
        })(),
      ),
    EvalError,
    /^never$/,
  ],
];

const OTHERS: CallRow[] = [
  [
    "minimize()",
    ({ optimizer, a }) => optimizer.minimize(1 as never, [a]),
    TypeError,
    /`loss` must be a function; received 1/,
  ],
  [
    "minimize: variables",
    ({ optimizer }) => optimizer.minimize(() => 1, 1 as never),
    TypeError,
    /`variables` must be an array/,
  ],
  [
    "minimize: an unknown variable, before the loss is called",
    ({ optimizer, stranger }) => optimizer.minimize(never, [stranger]),
    StateError,
    /^Variable "stranger" is not one of this/,
  ],
  [
    "minimize: an async loss",
    ({ optimizer, a }) => optimizer.minimize((async () => 1) as never, [a]),
    TypeError,
    /^The loss must return a number; it returned a Promise \(the function cannot be async: compute it first\)/,
  ],
  [
    "minimize: no loss",
    ({ optimizer, a }) => optimizer.minimize((() => undefined) as never, [a]),
    TypeError,
    /The loss must/,
  ],
  ["minimize: throws", ({ optimizer, a }) => optimizer.minimize(never, [a]), EvalError, /^never$/],
  [
    "scaleLoss('1')",
    ({ optimizer }) => optimizer.scaleLoss("1" as never),
    TypeError,
    /`loss` must be a number; received "1"/,
  ],
  [
    "scaleLoss(1n)",
    ({ optimizer }) => optimizer.scaleLoss(1n as never),
    TypeError,
    /`loss` must be a number; received 1n/,
  ],
  [
    "slot: no such slot",
    ({ optimizer, a }) => optimizer.slot("m" as never, a),
    TypeError,
    /`name` must be one of average, gradient_accumulator, velocity, momentum, average_gradient; received "m"/,
  ],
  ["slot: toString", ({ optimizer, a }) => optimizer.slot("toString" as never, a), TypeError, /`name` must be one of/],
  [
    "slot: a stranger",
    ({ optimizer, stranger }) => optimizer.slot("velocity", stranger),
    StateError,
    /^Variable .* is not one of this optimizer's \("a", "b"\)/,
  ],
  [
    "slot: no variable",
    ({ optimizer }) => optimizer.slot("velocity", undefined as never),
    StateError,
    /^Variable .* is not one of this optimizer's \("a", "b"\)/,
  ],
  [
    "excludeFromWeightDecay()",
    ({ optimizer }) => optimizer.excludeFromWeightDecay(undefined as never),
    TypeError,
    /`which` must be an object, such as \{ variables: … \}; received undefined/,
  ],
  [
    "excludeFromWeightDecay(list)",
    ({ optimizer }) => optimizer.excludeFromWeightDecay(["bias"] as never),
    TypeError,
    /`which` must be an object, such as \{ variables: … \}; received an array of 1/,
  ],
  [
    "excludeFromWeightDecay: unknown key",
    ({ optimizer }) => optimizer.excludeFromWeightDecay({ var_names: [] } as never),
    TypeError,
    /`which` has an unknown key "var_names"; known are variables, names/,
  ],
  [
    "excludeFromWeightDecay: one string",
    ({ optimizer }) => optimizer.excludeFromWeightDecay({ names: "bias" as never }),
    TypeError,
    /`names` must be an array of strings and regular expressions; received "bias"/,
  ],
  [
    "excludeFromWeightDecay: a number",
    ({ optimizer }) => optimizer.excludeFromWeightDecay({ names: ["a", 1 as never] }),
    TypeError,
    /`names\[1\]` must be a string or a regular expression; received 1/,
  ],
  [
    "excludeFromWeightDecay: a hole",
    ({ optimizer }) => optimizer.excludeFromWeightDecay({ names: new Array(1) }),
    TypeError,
    /`names\[0\]` must be a string or a regular expression; received undefined/,
  ],
  [
    "override()",
    ({ optimizer }) => optimizer.override(undefined as never, {}),
    TypeError,
    /`which` must be an object, such as \{ variables: … \}; received undefined/,
  ],
  [
    "override: no options",
    ({ optimizer, a }) => optimizer.override({ variables: [a] }, undefined as never),
    TypeError,
    /`options` must be an object, such as \{ learningRateMultiplier: … \}; received undefined/,
  ],
  [
    "override: an unknown option",
    ({ optimizer, a }) => optimizer.override({ variables: [a] }, { trainable: false, lr: 1 } as never),
    TypeError,
    /`options` has an unknown key "lr"; known are learningRateMultiplier, weightDecay, trainable/,
  ],
  [
    "override: an unknown selection",
    ({ optimizer }) => optimizer.override({ name: "a" } as never, { trainable: false }),
    TypeError,
    /`which` has an unknown key "name"; known are variables, names, paths, optional/,
  ],
  [
    "override: paths that are no list",
    ({ optimizer }) => optimizer.override({ paths: /a/ as never }, { trainable: false }),
    TypeError,
    /`paths` must be an array of strings and regular expressions; received an object \(RegExp\)/,
  ],
  [
    "override: optional",
    ({ optimizer }) => optimizer.override({ names: ["a"], optional: 1 as never }, { trainable: false }),
    TypeError,
    /`optional` must be true or false; received 1/,
  ],
  [
    "override: no multiplier",
    ({ optimizer, a }) =>
      optimizer.override({ variables: [a] }, { trainable: false, learningRateMultiplier: Number.NaN }),
    RangeError,
    /`learningRateMultiplier` must be a finite number; received NaN/,
  ],
  [
    "override: a multiplier of another type",
    ({ optimizer, a }) => optimizer.override({ variables: [a] }, { learningRateMultiplier: "1" as never }),
    TypeError,
    /`learningRateMultiplier` must be a finite number; received "1"/,
  ],
  [
    "override: weightDecay true",
    ({ optimizer, a }) => optimizer.override({ variables: [a] }, { weightDecay: true as never }),
    TypeError,
    /`weightDecay` must be a finite number, false or null; received true/,
  ],
  [
    "override: trainable",
    ({ optimizer, a }) => optimizer.override({ variables: [a] }, { weightDecay: 1, trainable: 0 as never }),
    TypeError,
    /`trainable` must be true, false or null; received 0/,
  ],
  [
    "override: another optimizer's variable",
    ({ optimizer, a, stranger }) => optimizer.override({ variables: [a, stranger] }, { trainable: false }),
    RangeError,
    /^Argument `variables\[1\]` \("stranger"\) is not one of this optimizer's variables/,
  ],
  [
    "override: a name that no variable has",
    ({ optimizer }) => optimizer.override({ names: ["a", "gamma"] }, { trainable: false }),
    RangeError,
    /^Argument `names\[1\]` \(\/gamma\/\) matches no variable's name: "a", "b"; if/,
  ],
  [
    "setWeights: holes",
    ({ optimizer }) => optimizer.setWeights(new Array(optimizer.variables.length)),
    TypeError,
    /`weights\[0\]` must be an array of 1 number,/,
  ],
  [
    "setWeights: a length of its own",
    ({ optimizer }) =>
      optimizer.setWeights(
        optimizer.variables.map(({ value }, i, { length }) => (i === length - 1 ? lengthened(9, value.length) : value)),
      ),
    RangeError,
    /`weights\[\d+\]` must be an array of 3 numbers/,
  ],
  [
    "excludeFromWeightDecay: no regular expression",
    ({ optimizer }) => optimizer.excludeFromWeightDecay({ names: ["("] }),
    RangeError,
    /`names\[0\]` must be a valid regular expression; received "\("/,
  ],
  [
    "excludeFromWeightDecay: no variable",
    ({ optimizer }) => optimizer.excludeFromWeightDecay({ variables: ["a" as never] }),
    TypeError,
    /`variables\[0\]` must be a Variable/,
  ],
  [
    "learningRate NaN",
    ({ optimizer }) => set(optimizer, "learningRate", Number.NaN),
    RangeError,
    /`learningRate` must be finite/,
  ],
  [
    "learningRate '1'",
    ({ optimizer }) => set(optimizer, "learningRate", "1"),
    TypeError,
    /`learningRate` must be a number/,
  ],
  [
    "learningRate null",
    ({ optimizer }) => set(optimizer, "learningRate", null),
    TypeError,
    /`learningRate` must be a number/,
  ],
  [
    "assign: too few",
    ({ a }) => a.assign([1]),
    RangeError,
    /`value` must be an array of 2 numbers, the size of variable "a"/,
  ],
  [
    "assign: a number",
    ({ a }) => a.assign(1),
    RangeError,
    /2 numbers.*\(to set all of them: `value.fill\(1\)`\); received 1\./,
  ],
  ["assign: strings", ({ a }) => a.assign([1, "2"] as never), TypeError, /`value\[1\]` must be a number; received "2"/],
  [
    "assign: null",
    ({ a }) => a.assign(null as never),
    TypeError,
    /`value` must be an array of 2 numbers.*received null/,
  ],
  ["assign: detached", ({ a }) => a.assign(detached()), TypeError, /its buffer must not be detached/],
  ["assign: shared", ({ a }) => a.assign(shared()), TypeError, /not in shared memory/],
  ["assign: throws midway", ({ a }) => a.assign(throwing()), EvalError, /^never$/],
  ["value = ", ({ a }) => set(a, "value", [1, 2, 3]), RangeError, /`value` must be an array of 2 numbers/],
  [
    "gradient = ",
    ({ a }) => set(a, "gradient", [1]),
    RangeError,
    /`gradient` must be an array of 2 numbers.*an array of 1/,
  ],
  [
    "gradient = a number",
    ({ a }) => set(a, "gradient", 1),
    TypeError,
    /`gradient` must be an array of 2 numbers.*received 1/,
  ],
  [
    "gradient = strings",
    ({ a }) => set(a, "gradient", [1, "2"]),
    TypeError,
    /`gradient\[1\]` must be a number; received "2"/,
  ],
  ["gradient = throws midway", ({ a }) => set(a, "gradient", throwing()), EvalError, /^never$/],
  [
    "rawIterations = ",
    ({ optimizer }) => set(optimizer, "rawIterations", 1),
    TypeError,
    /Cannot set property rawIterations/,
  ],
];

const PROPERTIES: CallRow[] = (
  [
    ["rho", Number.NaN, RangeError, /`rho` must be a finite number; received NaN/],
    ["rho", null, TypeError, /`rho` must be a finite number; received null/],
    ["epsilon", "1", TypeError, /`epsilon` must be a finite number; received "1"/],
    ["momentum", Number.POSITIVE_INFINITY, RangeError, /`momentum` must be a finite number; received Infinity/],
    ["centered", 1, TypeError, /`centered` must be true or false; received 1/],
    ["weightDecay", {}, TypeError, /`weightDecay` must be a finite number or null; received an object/],
    ["clipvalue", 1, RangeError, /Only one of clipnorm, globalClipnorm and clipvalue/],
    ["emaMomentum", 2, RangeError, /`emaMomentum` must be in the range \[0, 1\]; received 2/],
    ["emaOverwriteFrequency", 1.5, RangeError, /`emaOverwriteFrequency` must be a whole number from 1/],
    ["gradientAccumulationSteps", 1, RangeError, /`gradientAccumulationSteps` must be a whole number from 2/],
    ["gradientAccumulationSteps", 2, StateError, /cannot become 2 after build: there is no gradient_accumulator slot/],
    ["epsilonMode", null, TypeError, /`epsilonMode` must be "inside" or "outside"; received null/],
    ["epsilonMode", "Outside", RangeError, /`epsilonMode` must be "inside" or "outside"; received "Outside"/],
    ["weightDecayMode", "l2", RangeError, /`weightDecayMode` must be "decoupled" or "coupled"; received "l2"/],
    ["maximize", 1, TypeError, /`maximize` must be true or false; received 1/],
    [
      "initialVelocity",
      -1,
      RangeError,
      /`initialVelocity` must be in the range \[0, 3\.4028234663852886e\+38\]; received -1/,
    ],
    ["momentumMode", 1, TypeError, /`momentumMode` must be "keras" or "torch"; received 1/],
    ["centered", true, StateError, /`centered` cannot become true after build: there is no average_gradient slot/],
  ] as const
).map(([option, value, type, message]) => [
  `${option} = ${typeof value}`,
  ({ optimizer }) => {
    const inner = optimizer instanceof RMSprop ? optimizer : optimizer.innerOptimizer;
    return set(inner, option, value);
  },
  type,
  message,
]);

function set(target: object, key: string, value: unknown): void {
  (target as Record<string, unknown>)[key] = value;
}

export const CALLS: readonly CallRow[] = [...GRADIENTS, ...LISTS, ...OTHERS, ...PROPERTIES];
