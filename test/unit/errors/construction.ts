// The table of errors of constructors and functions: what was done, the error's class, the message.
import {
  CosineDecay,
  CosineDecayRestarts,
  createRuntime,
  deserialize,
  ExponentialDecay,
  InverseTimeDecay,
  LossScaleOptimizer,
  PiecewiseConstantDecay,
  PolynomialDecay,
  RMSprop,
  Variable,
} from "rmsprop-wasm";
import { dataView, detached, lengthened, never, shared, Unprintable } from "./values.js";

export type ErrorType = new (message?: string) => Error;
export type Row = readonly [what: string, action: () => unknown, type: ErrorType, message: RegExp];

const rmsprop = (what: string, options: unknown, type: ErrorType, message: RegExp): Row => [
  `new RMSprop(${what})`,
  () => new RMSprop(options as never),
  type,
  message,
];

const variable = (what: string, value: unknown, options: unknown, type: ErrorType, message: RegExp): Row => [
  `new Variable(${what})`,
  () => new Variable(value as never, options as never),
  type,
  message,
];

const scaled = (what: string, options: unknown, type: ErrorType, message: RegExp): Row => [
  `new LossScaleOptimizer(inner, ${what})`,
  () => new LossScaleOptimizer(new RMSprop(), options as never),
  type,
  message,
];

const runtime = (what: string, options: unknown, type: ErrorType, message: RegExp): Row => [
  `createRuntime(${what})`,
  () => createRuntime(options as never),
  type,
  message,
];

const numbers = ["rho", "momentum", "epsilon", "emaMomentum"] as const;
const optional = ["weightDecay", "clipnorm", "globalClipnorm", "clipvalue", "lossScaleFactor"] as const;
const counts = ["emaOverwriteFrequency", "gradientAccumulationSteps"] as const;
const flags = ["useEma", "centered"] as const;

const wrongNumbers: [unknown, ErrorType, string][] = [
  [Number.NaN, RangeError, "NaN"],
  [Number.POSITIVE_INFINITY, RangeError, "Infinity"],
  [Number.NEGATIVE_INFINITY, RangeError, "-Infinity"],
  ["0.5", TypeError, '"0.5"'],
  [1n, TypeError, "1n"],
  [true, TypeError, "true"],
  [[0.5], TypeError, "an array of 1"],
  [new Float32Array(2), TypeError, "a Float32Array of 2"],
  [{}, TypeError, "an object \\(Object\\)"],
  [() => 1, TypeError, "a function"],
  [Symbol("s"), TypeError, "Symbol\\(s\\)"],
  [new Unprintable(), TypeError, "a value that cannot be shown"],
];

function options(): Row[] {
  const rows: Row[] = [];
  for (const option of [...numbers, ...optional, ...counts]) {
    const rule = numbers.some((name) => name === option) ? "a finite number" : "a finite number(?: or null)?";
    for (const [value, type, shown] of wrongNumbers) {
      rows.push(
        rmsprop(
          `{ ${option}: ${shown} }`,
          { [option]: value },
          type,
          new RegExp(`Argument \`${option}\` must be ${rule}; received ${shown}\\.`),
        ),
      );
    }
  }
  for (const option of numbers) {
    const message = new RegExp(`\`${option}\` must be a finite number; received null`);
    rows.push(rmsprop(`{ ${option}: null }`, { [option]: null }, TypeError, message));
  }
  for (const option of flags) {
    for (const [value, shown] of [
      [1, "1"],
      ["true", '"true"'],
      [null, "null"],
    ]) {
      const message = new RegExp(`\`${option}\` must be true or false; received ${shown}`);
      rows.push(rmsprop(`{ ${option}: ${shown} }`, { [option as string]: value }, TypeError, message));
    }
  }
  for (const [option, rule] of [
    ["epsilonMode", '"inside" or "outside"'],
    ["momentumMode", '"keras" or "torch"'],
    ["weightDecayMode", '"decoupled" or "coupled"'],
  ]) {
    for (const [value, shown, type] of [
      [0, "0", TypeError],
      [null, "null", TypeError],
      ["", '""', RangeError],
      ["Torch", '"Torch"', RangeError],
    ] as const) {
      const message = new RegExp(`\`${option}\` must be ${rule}; received ${shown}`);
      rows.push(rmsprop(`{ ${option}: ${shown} }`, { [option as string]: value }, type, message));
    }
  }
  return rows;
}

const RMSPROP: Row[] = [
  ...options(),
  rmsprop("null", null, TypeError, /`options` must be an object, such as \{ \w+: … \}; received null/),
  rmsprop("0.1", 0.1, TypeError, /`options` must be an object, such as \{ \w+: … \}; received 0.1/),
  rmsprop('"adam"', "adam", TypeError, /`options` must be an object, such as \{ \w+: … \}; received "adam"/),
  rmsprop("[]", [], TypeError, /`options` must be an object, such as \{ \w+: … \}; received an array of 0/),
  rmsprop("{ foo }", { foo: 1 }, TypeError, /`options` has an unknown key "foo"; known are learningRate, name/),
  rmsprop("{ learning_rate }", { learning_rate: 1 }, TypeError, /unknown key "learning_rate"/),
  rmsprop(
    "a schedule",
    CosineDecay,
    TypeError,
    /`options` must be an object, such as \{ \w+: … \}; received function CosineDecay/,
  ),
  rmsprop("two clips", { clipnorm: 1, clipvalue: 2 }, RangeError, /Only one of .* clipnorm = 1 and clipvalue = 2/),
  rmsprop("two clips of 0", { clipvalue: 0, globalClipnorm: 0 }, RangeError, /Only one of clipnorm, globalClipnorm/),
  rmsprop("three clips", { clipnorm: 1, clipvalue: 1, globalClipnorm: 1 }, RangeError, /Only one of/),
  rmsprop("EMA momentum 1.5", { useEma: true, emaMomentum: 1.5 }, RangeError, /`emaMomentum` .*\[0, 1\]; received 1.5/),
  rmsprop("EMA momentum -0.1", { useEma: true, emaMomentum: -0.1 }, RangeError, /`emaMomentum`.*received -0.1/),
  rmsprop(
    "EMA every -1",
    { useEma: true, emaOverwriteFrequency: -1 },
    RangeError,
    /whole number from 1 to .*received -1/,
  ),
  rmsprop("EMA every 2.5", { useEma: true, emaOverwriteFrequency: 2.5 }, RangeError, /whole number .*received 2.5/),
  rmsprop("accumulation of 1", { gradientAccumulationSteps: 1 }, RangeError, /whole number from 2 to .*; received 1/),
  rmsprop("accumulation of -1", { gradientAccumulationSteps: -1 }, RangeError, /from 2 to .*; received -1/),
  rmsprop("accumulation of 2.5", { gradientAccumulationSteps: 2.5 }, RangeError, /from 2 to .*; received 2.5/),
  rmsprop("accumulation of 2 ** 31", { gradientAccumulationSteps: 2 ** 31 }, RangeError, /received 2147483648/),
  rmsprop("{ name: 'a/b' }", { name: "a/b" }, TypeError, /`name` must be a string without `\/`; received "a\/b"/),
  rmsprop("{ name: 1 }", { name: 1 }, TypeError, /`name` must be a string/),
  ...(
    [
      ["null", null, TypeError],
      ['"0.1"', "0.1", TypeError],
      ["true", true, TypeError],
      ["1n", 1n, TypeError],
      ["an object \\(Object\\)", {}, TypeError],
      ["an object \\(Object\\)", { at: 1 }, TypeError],
      ["an array of 2", [0.1, 0.2], TypeError],
      ["a Float32Array of 2", new Float32Array(2), TypeError],
    ] as const
  ).map(([shown, value, type]) =>
    rmsprop(
      `{ learningRate: ${shown} }`,
      { learningRate: value },
      type,
      new RegExp(
        `\`learningRate\` must be a number, a schedule with \`at\\(step\\)\`, or a function.*received ${shown}`,
      ),
    ),
  ),
  rmsprop(
    "rate NaN",
    { learningRate: Number.NaN },
    RangeError,
    /`learningRate` must be finite in float32; received NaN/,
  ),
  rmsprop(
    "initial velocity 1e39",
    { initialVelocity: 1e39 },
    RangeError,
    /`initialVelocity` must be in the range \[0, 3\.4028234663852886e\+38\]; received 1e\+39/,
  ),
  rmsprop("rate 1e39", { learningRate: 1e39 }, RangeError, /`learningRate` must be finite in float32; received 1e\+39/),
  [
    "an option whose getter throws",
    () => new RMSprop(Object.defineProperty({}, "rho", { enumerable: true, get: never })),
    EvalError,
    /^never$/,
  ],
];

const VARIABLE: Row[] = [
  variable("undefined", undefined, {}, TypeError, /`value` must be an array of numbers; received undefined/),
  variable("null", null, {}, TypeError, /`value` must be an array of numbers; received null/),
  variable('"1"', "1", {}, TypeError, /`value` must be an array of numbers; received "1"/),
  variable("1n", 1n, {}, TypeError, /`value` must be an array of numbers; received 1n/),
  variable("true", true, {}, TypeError, /`value` must be an array of numbers; received true/),
  variable("{}", {}, {}, TypeError, /`value` must be an array of numbers; received an object \(Object\)/),
  variable("a function", () => 1, {}, TypeError, /`value` must be an array of numbers; received a function/),
  variable("a DataView", new DataView(new ArrayBuffer(8)), {}, TypeError, /received a DataView of 8/),
  variable("an ArrayBuffer", new ArrayBuffer(8), {}, TypeError, /received an object \(ArrayBuffer\)/),
  variable(
    "nested arrays",
    [[1, 2]],
    {},
    TypeError,
    /`value\[0\]` must be a number: flatten nested arrays, and give `shape`; received an array of 2/,
  ),
  variable("strings", [1, "2"], {}, TypeError, /`value\[1\]` must be a number; received "2"/),
  variable("a hole", new Array(2), {}, TypeError, /`value\[0\]` must be a number; received undefined/),
  variable("bigints", [1n], {}, TypeError, /`value\[0\]` must be a number; received 1n/),
  variable("a BigInt64Array", new BigInt64Array(2), {}, TypeError, /received a BigInt64Array of 2/),
  variable("a BigUint64Array", new BigUint64Array(0), {}, TypeError, /received a BigUint64Array of 0/),
  variable(
    "shared memory",
    shared(),
    {},
    TypeError,
    /not in shared memory \(copy it first\); received a Float32Array of 2/,
  ),
  variable("a detached array", detached(), {}, TypeError, /must not be detached; received a Float32Array of 0/),
  variable("half an element", { length: 0.5, 0: 1 }, {}, RangeError, /`value` must be an array of numbers/),
  variable("length -1", { length: -1 }, {}, RangeError, /`value` must be an array of numbers/),
  variable("length NaN", { length: Number.NaN }, {}, RangeError, /`value` must be an array of numbers/),
  variable("length '2'", { length: "2" }, {}, TypeError, /`value` must be an array of numbers/),
  variable("an endless list", { length: 2 ** 52 }, {}, TypeError, /`value\[0\]` must be a number; received undefined/),
  variable("what throws", [{ valueOf: never }], {}, TypeError, /`value\[0\]` must be a number; received an object/),
  variable(
    "a runtime to come",
    1,
    { runtime: Promise.resolve() },
    TypeError,
    /received a Promise \(is an `await` missing/,
  ),
  variable("null options", 1, null, TypeError, /`options` must be an object, such as \{ \w+: … \}; received null/),
  variable(
    "options that are a name",
    1,
    "w",
    TypeError,
    /`options` must be an object, such as \{ \w+: … \}; received "w"/,
  ),
  variable("unknown options", 1, { dtype: "float32" }, TypeError, /unknown key "dtype"; known are name, path, shape/),
  variable("name", 1, { name: 1 }, TypeError, /`name` must be a string; received 1/),
  variable("path", 1, { path: null }, TypeError, /`path` must be a string; received null/),
  variable("constraint", 1, { constraint: "nonNeg" }, TypeError, /`constraint` must be a function; received "nonNeg"/),
  variable(
    "overwrite",
    1,
    { overwriteWithGradient: 1 },
    TypeError,
    /`overwriteWithGradient` must be a boolean; received 1/,
  ),
  variable("runtime", 1, { runtime: {} }, TypeError, /`runtime` must be made by `createRuntime` of this copy/),
  variable("shape 4", [1], { shape: 1 }, TypeError, /`shape` must be an array of lengths; received 1/),
  variable("a typed shape", [1], { shape: new Int32Array([1]) }, TypeError, /`shape` must be an array of lengths/),
  variable(
    "shape [3]",
    [1, 2],
    { shape: [3] },
    RangeError,
    /`shape` must be a shape of 2 values; received a shape of 3 values: \[3\]/,
  ),
  variable(
    "shape []",
    [1, 2],
    { shape: [] },
    RangeError,
    /`shape` must be a shape of 2 values; received a shape of 1 value: \[\]/,
  ),
  variable("shape [-1, -2]", [1, 2], { shape: [-1, -2] }, RangeError, /`shape` must hold whole numbers.*received -1/),
  variable("a hole in the shape", [1, 2], { shape: new Array(1) }, RangeError, /whole numbers.*received undefined/),
  variable("a DataView", dataView(2), {}, TypeError, /`value` must be an array of numbers; received a DataView/),
  variable(
    "a length of its own",
    lengthened(3, 2),
    { shape: [2] },
    RangeError,
    /`shape` must be a shape of 3 values; received a shape of 2/,
  ),
  variable("shape [0.5]", [1, 2], { shape: [0.5, 4] }, RangeError, /`shape` must hold whole numbers.*received 0.5/),
  variable("shape [NaN]", [1], { shape: [Number.NaN] }, RangeError, /`shape` must hold whole numbers.*received NaN/),
  variable("shape ['1']", [1], { shape: ["1"] }, RangeError, /`shape` must hold whole numbers.*received "1"/),
  variable("shape [1e200, 1e200]", [1], { shape: [1e200, 1e200] }, RangeError, /`shape` must be a shape of 1 value/),
  variable(
    "shape of a number",
    1,
    { shape: [2] },
    RangeError,
    /`shape` must be a shape of 1 value; received a shape of 2 values: \[2\]/,
  ),
];

const SCALED: Row[] = [
  ["inner {}", () => new LossScaleOptimizer({} as never), TypeError, /`inner` must be an RMSprop; received an object/],
  ["inner null", () => new LossScaleOptimizer(null as never), TypeError, /`inner` must be an RMSprop; received null/],
  [
    "inner a LossScaleOptimizer",
    () => new LossScaleOptimizer(new LossScaleOptimizer(new RMSprop()) as never),
    TypeError,
    /`inner` must be an RMSprop/,
  ],
  scaled("null", null, TypeError, /`options` must be an object, such as \{ \w+: … \}; received null/),
  scaled(
    "{ foo }",
    { foo: 1 },
    TypeError,
    /`options` has an unknown key "foo"; known are initialScale, dynamicGrowthSteps, minimumScale, maximumScale, name, measure\.$/,
  ),
  scaled("{ foo, bar }", { foo: 1, initialScale: 2, rho: 0.9, bar: 1 }, TypeError, /unknown keys "foo", "bar"; known/),
  scaled(
    "{ dynamic: false }",
    { dynamic: false },
    RangeError,
    /`dynamic` must be true.*`lossScaleFactor` on the inner/,
  ),
  ...(["clipnorm", "weightDecay", "lossScaleFactor", "gradientAccumulationSteps"] as const).map((option) =>
    scaled(
      `{ ${option} }`,
      { [option]: 2 },
      RangeError,
      new RegExp(`\`${option}\` must be set on the inner optimizer`),
    ),
  ),
  scaled("{ useEma }", { useEma: true }, RangeError, /`useEma` must be set on the inner optimizer/),
  scaled("{ emaMomentum }", { emaMomentum: 0.5 }, RangeError, /`emaMomentum` must be set on the inner optimizer/),
  scaled("scale NaN", { initialScale: Number.NaN }, RangeError, /`initialScale` must be a finite number; received NaN/),
  scaled("scale '1'", { initialScale: "1" }, TypeError, /`initialScale` must be a finite number; received "1"/),
  ...(["initialScale", "minimumScale", "maximumScale"] as const).map((option) =>
    scaled(
      `{ ${option}: 1e39 }`,
      { [option]: 1e39 },
      RangeError,
      new RegExp(`\`${option}\` must be finite in float32; received 1e\\+39`),
    ),
  ),
  scaled("growth 1.5", { dynamicGrowthSteps: 1.5 }, RangeError, /`dynamicGrowthSteps` must be a whole number/),
  scaled("growth 2 ** 31", { dynamicGrowthSteps: 2 ** 31 }, RangeError, /`dynamicGrowthSteps` must be a whole number/),
  scaled("growth '1'", { dynamicGrowthSteps: "1" }, TypeError, /`dynamicGrowthSteps` must be a whole number/),
  scaled("minimum", { minimumScale: Number.NaN }, RangeError, /`minimumScale` must be a finite number; received NaN/),
  scaled("maximum", { maximumScale: "1" }, TypeError, /`maximumScale` must be a finite number; received "1"/),
  scaled("bounds", { maximumScale: 1 }, RangeError, /`initialScale` must be between .*\(1\); received 32768/),
  scaled("name", { name: "a/b" }, TypeError, /`name` must be a string without `\/`; received "a\/b"/),
];

const RUNTIME: Row[] = [
  runtime("null", null, TypeError, /`options` must be an object, such as \{ \w+: … \}; received null/),
  runtime('"js"', "js", TypeError, /`options` must be an object, such as \{ \w+: … \}; received "js"/),
  runtime("{ foo }", { foo: 1 }, TypeError, /unknown key "foo"; known are backend, initialBytes, maximumBytes/),
  runtime(
    "a backend",
    { backend: "gpu" },
    TypeError,
    /`backend` must be "wasm", "wasm-simd128" or "js"; received "gpu"/,
  ),
  runtime("a null backend", { backend: null }, TypeError, /`backend` must be .*received null/),
  ...(["initialBytes", "maximumBytes"] as const).flatMap((option): Row[] => [
    runtime(`${option} NaN`, { [option]: Number.NaN }, RangeError, new RegExp(`\`${option}\` must be a finite number`)),
    runtime(`${option} "1"`, { [option]: "1" }, TypeError, new RegExp(`\`${option}\` must be a finite number`)),
    runtime(`${option} -1`, { [option]: -1 }, RangeError, new RegExp(`\`${option}\` must be from 0 to .*received -1`)),
    runtime(`${option} 2 ** 33`, { [option]: 2 ** 33 }, RangeError, new RegExp(`\`${option}\` must be from 0 to`)),
  ]),
  runtime(
    "more than the maximum",
    { initialBytes: 2000, maximumBytes: 1000 },
    RangeError,
    /`initialBytes` must be at most maximumBytes \(1000\); received 2000/,
  ),
];

const CLASSES = {
  ExponentialDecay: [ExponentialDecay, { initialLearningRate: 1, decaySteps: 1, decayRate: 1 }],
  InverseTimeDecay: [InverseTimeDecay, { initialLearningRate: 1, decaySteps: 1, decayRate: 1 }],
  PolynomialDecay: [PolynomialDecay, { initialLearningRate: 1, decaySteps: 1 }],
  CosineDecay: [CosineDecay, { initialLearningRate: 1, decaySteps: 1 }],
  CosineDecayRestarts: [CosineDecayRestarts, { initialLearningRate: 1, firstDecaySteps: 1 }],
} as const;

const MORE_NUMBERS: Record<keyof typeof CLASSES, readonly string[]> = {
  ExponentialDecay: [],
  InverseTimeDecay: [],
  PolynomialDecay: ["endLearningRate", "power"],
  CosineDecay: ["alpha", "warmupTarget", "warmupSteps"],
  CosineDecayRestarts: ["tMul", "mMul", "alpha"],
};

const SCHEDULES: Row[] = Object.entries(CLASSES).flatMap(([name, [Schedule, good]]): Row[] => {
  const make = (what: string, options: unknown, type: ErrorType, message: RegExp): Row => [
    `new ${name}(${what})`,
    () => new Schedule(options as never),
    type,
    message,
  ];
  const rows = [
    make("undefined", undefined, TypeError, /`options` must be an object, such as \{ \w+: … \}; received undefined/),
    make("0.1", 0.1, TypeError, /`options` must be an object, such as \{ \w+: … \}; received 0.1/),
    make("{ foo }", { ...good, foo: 1 }, TypeError, /unknown key "foo"; known are /),
    make("{ name }", { ...good, name: "a/b" }, TypeError, /`name` must be a string without `\/`/),
  ];
  for (const option of [...Object.keys(good), ...MORE_NUMBERS[name as keyof typeof CLASSES]]) {
    const message = new RegExp(`\`${option}\` must be a finite number`);
    rows.push(make(`${option} NaN`, { ...good, [option]: Number.NaN }, RangeError, message));
    rows.push(make(`${option} "1"`, { ...good, [option]: "1" }, TypeError, message));
    if (option in good) rows.push(make(`no ${option}`, { ...good, [option]: undefined }, TypeError, message));
    if (!/ecaySteps/.test(option)) continue;
    for (const steps of [0, -1]) {
      const above = new RegExp(`\`${option}\` must be above 0; received ${steps}`);
      rows.push(make(`${option} ${steps}`, { ...good, [option]: steps }, RangeError, above));
    }
  }
  return rows;
});

const piecewise = (what: string, options: unknown, type: ErrorType, message: RegExp): Row => [
  `new PiecewiseConstantDecay(${what})`,
  () => new PiecewiseConstantDecay(options as never),
  type,
  message,
];

const REST: Row[] = [
  [
    "a staircase of 1",
    () => new ExponentialDecay({ initialLearningRate: 1, decaySteps: 1, decayRate: 1, staircase: 1 as never }),
    TypeError,
    /`staircase` must be true or false; received 1/,
  ],
  [
    "a cycle of 'yes'",
    () => new PolynomialDecay({ initialLearningRate: 1, decaySteps: 1, cycle: "yes" as never }),
    TypeError,
    /`cycle` must be true or false; received "yes"/,
  ],
  piecewise("lengths", { boundaries: [1], values: [1] }, RangeError, /`boundaries` must be one shorter than `values`/),
  piecewise(
    "no arrays",
    { boundaries: 1, values: [1] },
    TypeError,
    /`boundaries` must be an array of numbers; received 1/,
  ),
  piecewise(
    "a hole",
    { boundaries: new Array(1), values: [1, 2] },
    TypeError,
    /`boundaries\[0\]` must be a finite number/,
  ),
  piecewise("values of holes", { boundaries: [1], values: new Array(2) }, TypeError, /`values\[0\]` must be/),
  piecewise(
    "strings",
    { boundaries: [], values: ["1"] },
    TypeError,
    /`values\[0\]` must be a finite number; received "1"/,
  ),
  piecewise(
    "NaN",
    { boundaries: [Number.NaN], values: [1, 2] },
    RangeError,
    /`boundaries\[0\]` must be a finite number/,
  ),
  ...[Number.NaN, "1", 1n, undefined].map(
    (step): Row => [
      `at(${typeof step})`,
      () => new CosineDecay(CLASSES.CosineDecay[1]).at(step as number),
      typeof step === "number" ? RangeError : TypeError,
      /`step` must be a finite number/,
    ],
  ),
  ["deserialize(null)", () => deserialize(null as never), TypeError, /`schedule` must be an object; received null/],
  [
    "deserialize({})",
    () => deserialize({} as never),
    TypeError,
    /`class_name` must be one of ExponentialDecay, .*undefined/,
  ],
  [
    "deserialize toString",
    () => deserialize({ class_name: "toString" } as never),
    TypeError,
    /`class_name` must be one of/,
  ],
  [
    "deserialize without a configuration",
    () => deserialize({ class_name: "CosineDecay" } as never),
    TypeError,
    /configuration of CosineDecay must be an object; received undefined/,
  ],
  [
    "deserialize with an unknown key",
    () => deserialize({ class_name: "CosineDecay", config: { initialLearningRate: 1 } }),
    TypeError,
    /`config` has an unknown key "initialLearningRate"; known are initial_learning_rate/,
  ],
  [
    "RMSprop.fromConfig(null)",
    () => RMSprop.fromConfig(null as never),
    TypeError,
    /`config` must be an object, such as \{ \w+: … \}; received null/,
  ],
  [
    "RMSprop.fromConfig with a rate of null",
    () => RMSprop.fromConfig({ learning_rate: null as never }),
    TypeError,
    /`learningRate` must be a number, a schedule/,
  ],
  [
    "RMSprop.fromConfig with NaN",
    () => RMSprop.fromConfig({ rho: Number.NaN }),
    RangeError,
    /`rho` must be a finite number; received NaN/,
  ],
  [
    "LossScaleOptimizer.fromConfig({})",
    // @ts-expect-error: there is no optimizer without an inner one
    () => LossScaleOptimizer.fromConfig({}),
    TypeError,
    /`inner_optimizer` must be an object; received undefined/,
  ],
  [
    "LossScaleOptimizer.fromConfig of an Adam",
    () => LossScaleOptimizer.fromConfig({ inner_optimizer: { class_name: "Adam", config: {} } as never }),
    TypeError,
    /`inner_optimizer.class_name` must be "RMSprop"; received "Adam"/,
  ],
  [
    "LossScaleOptimizer.fromConfig with an unknown key",
    () => LossScaleOptimizer.fromConfig({ ...new LossScaleOptimizer(new RMSprop()).getConfig(), foo: 1 } as never),
    TypeError,
    /`config` has an unknown key "foo"/,
  ],
];

export const CONSTRUCTION: readonly Row[] = [...RMSPROP, ...VARIABLE, ...SCALED, ...RUNTIME, ...SCHEDULES, ...REST];
