// What fails, and how: for each class, messages and an example of each. docs/errors.md has those that need a remedy.

/** A message that ends in "…" is longer. */
export type ErrorCase = readonly [message: string, example: string];

export const errorCases: Readonly<Record<string, readonly ErrorCase[]>> = {
  TypeError: [
    ['Argument `rho` must be a finite number; received "0.9".', 'new RMSprop({ rho: "0.9" })'],
    ['Argument `clipnorm` must be a finite number or null; received "1".', 'new RMSprop({ clipnorm: "1" })'],
    ["Argument `centered` must be true or false; received 1.", "new RMSprop({ centered: 1 })"],
    ['Argument `epsilonMode` must be "inside" or "outside"; received true.', "new RMSprop({ epsilonMode: true })"],
    [
      "Argument `gradients[0]` must be a Uint16Array with the bits of bfloat16 numbers; received an array of 1.",
      'const h = new Variable(1, { gradientDtype: "bfloat16" }); new RMSprop().apply([[1]], [h])',
    ],
    ['Argument `options` has an unknown key "lr"; known are…', "new RMSprop({ lr: 0.1 })"],
    ["Argument `options` must be an object, such as { learningRate: … }; received 0.1.", "new RMSprop(0.1)"],
    [
      'Argument `learningRate` must be a number, a schedule with `at(step)`, or a function of the step; received "fast".',
      'new RMSprop({ learningRate: "fast" })',
    ],
    ['Argument `name` must be a string without `/`; received "a/b".', 'new RMSprop({ name: "a/b" })'],
    [
      "The learning rate at step 0 must be a number; received undefined.",
      "const o = new RMSprop({ learningRate: () => undefined }); o.build([w]); o.step()",
    ],
    ['Argument `value` must be an array of numbers; received "10".', 'new Variable("10")'],
    ['Argument `value[1]` must be a number; received "2".', 'new Variable([1, "2"])'],
    [
      "Argument `value[0]` must be a number: flatten nested arrays, and give `shape`; received an array of 2.",
      "new Variable([[1, 2], [3, 4]])",
    ],
    [
      "Argument `value` must be an array of numbers, and not in shared memory (copy it first); received a Float32Array of 2.",
      "new Variable(new Float32Array(new SharedArrayBuffer(8)))",
    ],
    [
      "Argument `value` must be an array of numbers, and its buffer must not be detached; received a Float32Array of 0.",
      "const array = new Float32Array(2); structuredClone(array, { transfer: [array.buffer] }); new Variable(array)",
    ],
    [
      "Argument `value` must be an array of numbers; received a BigInt64Array of 2.",
      "new Variable(new BigInt64Array(2))",
    ],
    ["Argument `shape` must be an array of lengths; received 2.", "new Variable([1, 2], { shape: 2 })"],
    ["Argument `name` must be a string; received 7.", "new Variable(1, { name: 7 })"],
    [
      'Argument `runtime` must be made by `createRuntime` of this copy of the package; received "js".',
      'new Variable(1, { runtime: "js" })',
    ],
    [
      "Argument `runtime` must be made by `createRuntime` of this copy of the package; received a Promise (is an `await` missing?).",
      "const runtime = Promise.resolve(createRuntime()); new Variable(1, { runtime })",
    ],
    [
      "Argument `variables` must be an array of variables (put it in an array: [variable]); received an object (Variable).",
      "optimizer.apply([[1]], w)",
    ],
    [
      "Argument `variables[0]` must be a Variable of this copy of the package; received an object (Object).",
      "new RMSprop().build([{ value: 1 }])",
    ],
    ["Argument `gradients` must be an array with one gradient per variable; received 1.", "optimizer.apply(1)"],
    [
      'Argument `gradients[0]` must be an array of 1 number, the size of variable "w"; received 1.',
      "optimizer.apply([1, null])",
    ],
    [
      "Argument `pairs` must be an iterable of pairs of gradient and variable; received an object (Variable).",
      "optimizer.applyGradients([w])",
    ],
    [
      "Argument `pairs[0][1]` must be a Variable of this copy of the package; received an array of 1.",
      "optimizer.applyGradients([[w, [1]]])",
    ],
    ["Argument `loss` must be a function; received 1.", "optimizer.minimize(1, [w])"],
    ["The loss must return a number; it returned undefined.", "optimizer.minimize(() => undefined, [w])"],
    [
      "The loss must return a number; it returned a Promise (the function cannot be async: compute it first).",
      "optimizer.minimize(async () => 1, [w])",
    ],
    [
      'Argument `name` must be one of average, gradient_accumulator, velocity, momentum, average_gradient; received "rms".',
      'optimizer.slot("rms", w)',
    ],
    [
      'Argument `names` must be an array of strings and regular expressions; received "bias".',
      'optimizer.excludeFromWeightDecay({ names: "bias" })',
    ],
    [
      "Argument `names[0]` must be a string or a regular expression; received 1.",
      "optimizer.excludeFromWeightDecay({ names: [1] })",
    ],
    [
      'Argument `paths` must be an array of strings and regular expressions; received "dense/".',
      'optimizer.override({ paths: "dense/" }, { trainable: false })',
    ],
    [
      "Argument `weightDecay` must be a finite number, false or null; received true.",
      "optimizer.override({ variables: [w] }, { weightDecay: true })",
    ],
    [
      "Argument `trainable` must be true, false or null; received 0.",
      "optimizer.override({ variables: [w] }, { trainable: 0 })",
    ],
    [
      'The constraint of variable "c" must edit the values in place and return nothing else.',
      'const c = new Variable(1, { name: "c", constraint: (value) => value.map(Math.abs) }); new RMSprop().apply([[1]], [c])',
    ],
    ["Argument `weights` must be an array of arrays; received 0.", "optimizer.setWeights(0)"],
    [
      'Argument `store["2"]` must be an array of 1 number, the size of optimizer/w_velocity; received "0".',
      'optimizer.loadOwnVariables({ ...optimizer.saveOwnVariables(), 2: "0" })',
    ],
    ['Argument `config` has an unknown key "jit_compile"; known are…', "RMSprop.fromConfig({ jit_compile: true })"],
    [
      "A learning rate that was a function cannot be restored from a configuration: set it anew.",
      "RMSprop.fromConfig(new RMSprop({ learningRate: () => 0.1 }).getConfig())",
    ],
    [
      'Argument `inner_optimizer.class_name` must be "RMSprop"; received "Adam".',
      'LossScaleOptimizer.fromConfig({ inner_optimizer: { class_name: "Adam", config: {} } })',
    ],
    [
      'Argument `options` has unknown keys "foo", "bar"; known are initialScale, dynamicGrowthSteps, minimumScale, maximumScale, name, measure.',
      "new LossScaleOptimizer(new RMSprop(), { foo: 1, bar: 2 })",
    ],
    ["Argument `inner` must be an RMSprop; received an object (Object).", "new LossScaleOptimizer({ rho: 0.9 })"],
    [
      "Argument `decaySteps` must be a finite number; received undefined.",
      "new CosineDecay({ initialLearningRate: 0.1 })",
    ],
    [
      "Argument `boundaries` must be an array of numbers; received 10.",
      "new PiecewiseConstantDecay({ boundaries: 10, values: [0.1, 0.01] })",
    ],
    [
      "The configuration of CosineDecay must be an object; received undefined.",
      'deserialize({ class_name: "CosineDecay" })',
    ],
    ['Argument `backend` must be "wasm", "wasm-simd128" or "js"; received "gpu".', 'createRuntime({ backend: "gpu" })'],
    ['initSync() takes a WebAssembly.Module or its bytes; received "rmsprop.wasm".', 'slim.initSync("rmsprop.wasm")'],
    [
      "The WebAssembly could not be loaded: the source is an HTML page.",
      'slim.initSync(new TextEncoder().encode("<!doctype html>"))',
    ],
    [
      "Argument `tf` must be the namespace of @tensorflow/tfjs or @tensorflow/tfjs-core; received an object (Object).",
      "tfjs.rmsprop({ learningRate: 0.1 })",
    ],
    [
      "Argument `decay` is not an option: ρ is `rho` (tfjs calls it decay); a decaying learning rate is a schedule.",
      "tfjs.rmsprop(tf, { decay: 0.9 })",
    ],
    [
      'The gradient of "v" must be float32; it is int32.',
      'const v = tf.variable(tf.scalar(1), true, "v"); tfjs.rmsprop(tf).applyGradients({ v: tf.scalar(1, "int32") })',
    ],
    ["Argument `weights` must be an array of { name, tensor }; received 1.", "await tfjs.rmsprop(tf).setWeights(1)"],
    [
      "Argument `bytes` must be a Uint8Array; received an object (RMSprop).",
      "checkpoint.load(optimizer, checkpoint.save(optimizer))",
    ],
    [
      "Argument `params[0]` must be an array with values; call init and update outside of jit and grad; received 1.",
      "jax.rmsprop().init([1])",
    ],
    [
      'Argument `params[0]` must be a float32 array; received "int32".',
      "jax.rmsprop().init(np.array([1], { dtype: np.int32 }))",
    ],
    ['Argument `bytes` must be a Uint8Array; received "model.keras".', 'keras.readKeras("model.keras")'],
    [
      "Argument `optimizerPath` must be a string, one of the file's `optimizers`; received 1.",
      "keras.readKeras(new Uint8Array(4), { optimizerPath: 1 })",
    ],
    [
      "Argument `optimizer` must be an RMSprop; received an object (Object).",
      "pytorch.loadPyTorch(new Uint8Array(8), {})",
    ],
    [
      "Argument `path` must be a string; received an object (URL).",
      'await node.writeCheckpoint(new URL("file:///run"), checkpoint.save(optimizer))',
    ],
  ],
  RangeError: [
    ["Argument `rho` must be a finite number; received NaN.", "new RMSprop({ rho: NaN })"],
    ["Argument `learningRate` must be finite in float32; received 1e+39.", "new RMSprop({ learningRate: 1e39 })"],
    [
      "Only one of clipnorm, globalClipnorm and clipvalue can be set; received clipnorm = 1 and clipvalue = 0.5.",
      "new RMSprop({ clipnorm: 1, clipvalue: 0.5 })",
    ],
    [
      "Argument `emaMomentum` must be in the range [0, 1]; received 1.5.",
      "new RMSprop({ useEma: true, emaMomentum: 1.5 })",
    ],
    [
      'Argument `momentumMode` must be "keras" or "torch"; received "nesterov".',
      'new RMSprop({ momentumMode: "nesterov" })',
    ],
    [
      "Argument `emaOverwriteFrequency` must be a whole number from 1 to 2147483647; received 2.5.",
      "new RMSprop({ useEma: true, emaOverwriteFrequency: 2.5 })",
    ],
    [
      "Argument `gradientAccumulationSteps` must be a whole number from 2 to 2147483647; received 2.5.",
      "new RMSprop({ gradientAccumulationSteps: 2.5 })",
    ],
    [
      "Argument `learningRate (at step 0)` must be finite in float32; received NaN.",
      "const o = new RMSprop({ learningRate: () => NaN }); o.build([w]); o.step()",
    ],
    [
      'Argument `variables` must be of the optimizer\'s runtime; "elsewhere" belongs to another one.',
      'optimizer.add([new Variable(1, { name: "elsewhere", runtime: createRuntime() })])',
    ],
    [
      "Argument `learningRate (CosineDecayRestarts at step 20)` must be finite in float32; received NaN.",
      "const learningRate = new CosineDecayRestarts({ initialLearningRate: 1, firstDecaySteps: 10, tMul: 0.5 }); const o = new RMSprop({ learningRate }); o.build([w]); o.loadOwnVariables({ ...o.saveOwnVariables(), 0: [20] }); o.step()",
    ],
    [
      "Argument `shape` must be a shape of 3 values; received a shape of 4 values: [2,2].",
      "new Variable([1, 2, 3], { shape: [2, 2] })",
    ],
    ["Argument `shape` must hold whole numbers from 0; received -2.", "new Variable([1, 2], { shape: [-2] })"],
    [
      'Argument `value` must be an array of 6 numbers, the size of variable "dense/kernel"; received an array of 2.',
      "kernel.assign([1, 2])",
    ],
    [
      'Argument `value` must be an array of 6 numbers, the size of variable "dense/kernel" (to set all of them: `value.fill(3)`); received 3.',
      "kernel.value = 3",
    ],
    [
      'Argument `gradient` must be an array of 6 numbers, the size of variable "dense/kernel"; received an array of 1.',
      "kernel.gradient = [1]",
    ],
    [
      "Argument `gradients` must be an array of 2, one gradient per variable; received an array of 1.",
      "optimizer.apply([[1]])",
    ],
    [
      'Argument `gradients[1]` must be an array of 6 numbers, the size of variable "dense/kernel"; received an array of 1.',
      "optimizer.apply([[1], [1]])",
    ],
    ["No gradients provided for any variable: all of them are null.", "optimizer.apply([null, null])"],
    ['Argument `variables` lists variable "w" twice.', "new RMSprop().build([w, w])"],
    [
      'Argument `variables` must be of one runtime; "far" and "w" belong to different ones.',
      'new RMSprop().build([w, new Variable(1, { name: "far", runtime: createRuntime() })])',
    ],
    [
      'Argument `names[0]` (/bias/) matches no variable\'s name: "w", "kernel"; if that is meant, add `optional: true`.',
      'optimizer.override({ names: ["bias"] }, { weightDecay: false })',
    ],
    [
      'Argument `variables[0]` ("v") is not one of this optimizer\'s variables; if that is meant, add `optional: true`.',
      'const v = new Variable(1, { name: "v" }); optimizer.override({ variables: [v] }, { trainable: false })',
    ],
    [
      "Argument `which` selects nothing: give `variables`, `names` or `paths`, or add `optional: true`.",
      "optimizer.override({}, { trainable: false })",
    ],
    [
      'The learning rate of variable "w" must be finite in float32; received 1 * 1e+39.',
      'const o = new RMSprop({ learningRate: 1 }); o.override({ names: ["w"] }, { learningRateMultiplier: 1e39 }); o.apply([[1]], [w])',
    ],
    [
      'Argument `names[0]` must be a valid regular expression; received "(".',
      'optimizer.excludeFromWeightDecay({ names: ["("] })',
    ],
    [
      "Argument `store` must hold the 4 arrays of this optimizer; it holds 1.",
      "optimizer.loadOwnVariables({ 0: [5] })",
    ],
    [
      'Argument `store` has no array "3" (optimizer/dense_kernel_velocity).',
      "const { 3: velocity, ...rest } = optimizer.saveOwnVariables(); optimizer.loadOwnVariables({ ...rest, velocity })",
    ],
    [
      'Argument `store["2"]` must be an array of 1 number, the size of optimizer/w_velocity; received an array of 2.',
      "optimizer.loadOwnVariables({ ...optimizer.saveOwnVariables(), 2: [0, 0] })",
    ],
    [
      'Argument `store["0"]` must be a whole number from 0 to 2147483647; received -1.',
      "optimizer.loadOwnVariables({ ...optimizer.saveOwnVariables(), 0: [-1] })",
    ],
    [
      'Argument `store["1"]` must be finite in float32; received NaN.',
      "optimizer.loadOwnVariables({ ...optimizer.saveOwnVariables(), 1: [NaN] })",
    ],
    [
      "Argument `clipnorm` must be set on the inner optimizer, not on the LossScaleOptimizer.",
      "new LossScaleOptimizer(new RMSprop(), { clipnorm: 1 })",
    ],
    [
      "Argument `dynamic` must be true: for a static scale set `lossScaleFactor` on the inner optimizer.",
      "new LossScaleOptimizer(new RMSprop(), { dynamic: false })",
    ],
    [
      "Argument `initialScale` must be between minimumScale (2) and maximumScale (Infinity); received 1.",
      "new LossScaleOptimizer(new RMSprop(), { initialScale: 1, minimumScale: 2 })",
    ],
    [
      "Argument `decaySteps` must be above 0; received 0.",
      "new CosineDecay({ initialLearningRate: 0.1, decaySteps: 0 })",
    ],
    [
      "Argument `boundaries` must be one shorter than `values`; received an array of 1 and an array of 1.",
      "new PiecewiseConstantDecay({ boundaries: [10], values: [0.1] })",
    ],
    ["Argument `step` must be a finite number; received NaN.", "schedule.at(NaN)"],
    [
      "Argument `maximumBytes` must be from 0 to 2 ** 32 bytes; received 8589934592.",
      "createRuntime({ maximumBytes: 2 ** 33 })",
    ],
    [
      "Argument `initialBytes` must be at most maximumBytes (1024); received 2048.",
      "createRuntime({ initialBytes: 2048, maximumBytes: 1024 })",
    ],
    [
      "Argument `lossScaleFactor` must be null beside lossScale, which finds the scale itself; received 8.",
      "tfjs.rmsprop(tf, { lossScaleFactor: 8, lossScale: {} })",
    ],
    [
      'The gradient of "shaped" must have shape []; it has [2].',
      'const v = tf.variable(tf.scalar(1), true, "shaped"); tfjs.rmsprop(tf).applyGradients({ shaped: tf.ones([2]) })',
    ],
    [
      "Argument `weightDecay` must be null; received 0.1. Keras' decay changes the parameters, not the update: after this transformation, chain `addDecayedWeights({ weightDecay: -learningRate * weightDecay })` (note the minus sign), and give `update` the parameters.",
      "jax.rmsprop({ weightDecay: 0.1 })",
    ],
    [
      "Argument `useEma` must be false: a transformation does not see the new parameters; received true.",
      "jax.rmsprop({ useEma: true })",
    ],
    [
      "Argument `state.velocity` must be of the structure and shapes of the updates; received an object (Object).",
      "const s = jax.rmsprop(); s.update(np.array([1, 2]), s.init(np.array([1])))",
    ],
  ],
  StateError: [
    ['Optimizer "new" is not built: call build(variables) first.', 'new RMSprop({ name: "new" }).step()'],
    [
      'Optimizer "new" is not built: call build(variables) first, or give `apply` its variables.',
      'new RMSprop({ name: "new" }).apply([[1]])',
    ],
    [
      'Variable "late" is not one of this optimizer\'s ("w", "dense/kernel"): build it with all variables at once, or `add` it.',
      'optimizer.apply([[1]], [new Variable(1, { name: "late" })])',
    ],
    ['Variable "w" is one of this optimizer\'s already.', "optimizer.add([w])"],
    [
      "`momentum` cannot become 0.9 after build: there is no momentum slot. Give `momentum` to the constructor.",
      "optimizer.momentum = 0.9",
    ],
    [
      '`momentumMode` cannot become "torch" after build: the momentum slot has the learning rate in it. Give `momentumMode` to the constructor.',
      'const o = new RMSprop({ momentum: 0.9 }); o.build([w]); o.momentumMode = "torch"',
    ],
    [
      "The learning rate is a schedule or a function, so it cannot be set to a number; set another schedule or function.",
      "scheduled.learningRate = 0.01",
    ],
    ['Optimizer "freed" was freed.', 'const o = new RMSprop({ name: "freed" }); o.free(); o.build([w])'],
    ['Variable "v" was freed.', 'const v = new Variable(1, { name: "v" }); v.free(); v.value'],
    [
      'Variable "v" was freed, and this optimizer trains it.',
      'const v = new Variable(1, { name: "v" }); const o = new RMSprop(); o.build([v]); v.free(); o.step()',
    ],
    [
      "A step is not possible inside a constraint or a learning-rate callback.",
      "const c = new Variable(1, { constraint: () => optimizer.step() }); new RMSprop().apply([[1]], [c])",
    ],
    [
      'The gradient of variable "w" changed its length during the call.',
      "const buffer = new ArrayBuffer(4, { maxByteLength: 8 }); const o = new RMSprop({ learningRate: () => { buffer.resize(8); return 0.1; } }); o.apply([new Float32Array(buffer)], [w])",
    ],
    [
      "rmsprop-wasm/slim has no WebAssembly yet: await init(source), or call initSync(source), first.",
      "slim.backend()",
    ],
    [
      'tfjs knows no variable "none": it was disposed of, or never made.',
      "tfjs.rmsprop(tf).applyGradients({ none: tf.scalar(1) })",
    ],
  ],
  OutOfMemoryError: [
    [
      "There is no room for a variable of shape [1000000].",
      "new Variable(new Float32Array(1e6), { runtime: createRuntime({ maximumBytes: 1e6 }) })",
    ],
    [
      "There is no room for the state of an optimizer over 1 variable.",
      "const runtime = createRuntime({ maximumBytes: 2e6 }); const v = new Variable(new Float32Array(2e5), { runtime }); new RMSprop().build([v])",
    ],
    ["There is no room for initialBytes = 4294967296.", "createRuntime({ initialBytes: 2 ** 32 })"],
  ],
  BackendUnavailableError: [
    [
      "The backend wasm-simd128 cannot be had here: it is not part of this entry of the package.",
      'onlyJs.createRuntime({ backend: "wasm" })',
    ],
  ],
  CheckpointError: [
    ["A checkpoint has at least 8 bytes; received 4.", "checkpoint.load(new Uint8Array(4), optimizer)"],
    [
      "The checkpoint is truncated or altered: its checksum is…",
      "const bytes = checkpoint.save(optimizer); bytes[bytes.length - 1] ^= 1; checkpoint.load(bytes, optimizer)",
    ],
    [
      "The checkpoint has no tensor \"w\"; check the variables' paths and the optimizer's options.",
      "const o = new RMSprop(); o.build([kernel]); checkpoint.load(checkpoint.save(o), optimizer)",
    ],
    [
      "The checkpoint's tensor \"w\" is not known to the optimizer; check the variables' paths and the optimizer's options.",
      "const o = new RMSprop(); o.build([kernel]); checkpoint.load(checkpoint.save(optimizer), o)",
    ],
    [
      'The checkpoint\'s momentum of "w" has 0.1 times the learning rate in it, not 1 times: call…',
      "const make = () => { const o = new RMSprop({ learningRate: 0.1, momentum: 0.9 }); o.build([w]); return o; }; const slow = make(); slow.override({ variables: [w] }, { learningRateMultiplier: 0.1 }); checkpoint.load(checkpoint.save(slow), make())",
    ],
    [
      'Tensor "dense/kernel" has shape [2,3]; the optimizer\'s has [6].',
      'const flat = new Variable(new Float32Array(6), { path: "dense/kernel" }); const o = new RMSprop(); o.build([w, flat]); checkpoint.load(checkpoint.save(optimizer), o)',
    ],
    [
      "The checkpoint was saved with a number as learning rate, this optimizer's is a schedule or a function: make it with a number, load, then set `learningRate`.",
      "scheduled.build([w, kernel]); checkpoint.load(checkpoint.save(optimizer), scheduled)",
    ],
    [
      "The checkpoint was saved with a schedule or a function as learning rate, this optimizer's is a number: give it such a one, then load.",
      "scheduled.build([w, kernel]); checkpoint.load(checkpoint.save(scheduled), optimizer)",
    ],
    [
      "The checkpoint is of a LossScaleOptimizer: load it into one.",
      "const o = new LossScaleOptimizer(new RMSprop()); o.build([w, kernel]); checkpoint.load(checkpoint.save(o), optimizer)",
    ],
    [
      "The checkpoint is not of a LossScaleOptimizer: load it into the `innerOptimizer`.",
      "const o = new LossScaleOptimizer(new RMSprop()); o.build([w, kernel]); checkpoint.load(checkpoint.save(optimizer), o)",
    ],
    [
      'The checkpoint has no state (momentum) of "w": it was saved with `momentum` off. Make the optimizer without it.',
      "const o = new RMSprop({ momentum: 0.9 }); o.build([w, kernel]); checkpoint.load(checkpoint.save(optimizer), o)",
    ],
    [
      'The checkpoint has state (average_gradient) of "w", which this optimizer does not keep: make it with `centered`.',
      "const o = new RMSprop({ centered: true }); o.build([w, kernel]); checkpoint.load(checkpoint.save(o), optimizer)",
    ],
    [
      "The checkpoint's momentum has the learning rate in it, unlike this optimizer's: make it with `momentumMode: \"keras\"`.",
      'const a = new RMSprop({ momentum: 0.9 }); a.build([w]); const b = new RMSprop({ momentum: 0.9, momentumMode: "torch" }); b.build([w]); checkpoint.load(checkpoint.save(a), b)',
    ],
    [
      "The checkpoint is from the middle of an accumulation, of 2 gradients there or 3 here: make the optimizer with `gradientAccumulationSteps: 2`.",
      "const v = new Variable(1); const a = new RMSprop({ gradientAccumulationSteps: 2 }); a.apply([[1]], [v]); const b = new RMSprop({ gradientAccumulationSteps: 3 }); b.build([v]); checkpoint.load(checkpoint.save(a), b)",
    ],
    [
      'Two arrays would be called "w": give the variables different paths.',
      'const o = new RMSprop(); o.build([w, new Variable(1, { name: "w" })]); checkpoint.save(o)',
    ],
    [
      "The checkpoint's header has no checksum: `save` of rmsprop-wasm did not write this file.",
      "checkpoint.load(keras.exportSafetensors(optimizer.variables), optimizer)",
    ],
    ["The file is neither an archive (.keras) nor HDF5 (.weights.h5, .h5).", "keras.readKeras(new Uint8Array(4))"],
    [
      'The archive has no "config.json": it is no .keras file of Keras 3.',
      "keras.readKeras(keras.exportNpz(optimizer.variables))",
    ],
    [
      "The archive is truncated or altered: it has no end.",
      "keras.readKeras(keras.exportNpz(optimizer.variables).slice(0, -1))",
    ],
    [
      "The file's metadata have no param_groups: save it by the lines in docs/pytorch.md.",
      "pytorch.loadPyTorch(keras.exportSafetensors(optimizer.variables), optimizer)",
    ],
    ['The weights have no "iter".', "await tfjs.rmsprop(tf).setWeights([])"],
  ],
};
