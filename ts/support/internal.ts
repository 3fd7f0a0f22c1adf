// Keys of the members that are called from other files of the package, and by nobody else. They are symbols: a member of a
// user's subclass cannot take the place of one by having its name.

/** Of variables and optimizers: throws if the memory was given back. */
export const ASSERT_NOT_FREED: unique symbol = /* @__PURE__ */ Symbol("assertNotFreed");
/** Of variables and optimizers: the runtime whose memory they are in; `undefined` for an optimizer that is not built. */
export const RUNTIME: unique symbol = /* @__PURE__ */ Symbol("runtime");
/** Of variables: the number by which the crate knows them. */
export const HANDLE: unique symbol = /* @__PURE__ */ Symbol("handle");
/** Of variables: a gradient from outside, if it can be copied into theirs. */
export const CHECKED_GRADIENT: unique symbol = /* @__PURE__ */ Symbol("checkedGradient");

/** Of optimizers: throws if a step over these variables is not possible now; changes nothing. */
export const CHECK: unique symbol = /* @__PURE__ */ Symbol("check");
/** Of optimizers: builds if needed and does the step; its `Update` was checked. */
export const RUN: unique symbol = /* @__PURE__ */ Symbol("run");
/** Of optimizers: the variables they were built with, if they are built. */
export const TRAINED: unique symbol = /* @__PURE__ */ Symbol("trained");
/** Of optimizers: what gradients must be multiplied by. */
export const LOSS_SCALE: unique symbol = /* @__PURE__ */ Symbol("lossScale");

/** Of an RMSprop: `RUN` under the loss scale with the handle that a function gives once the optimizer is built. */
export const RUN_SCALED: unique symbol = /* @__PURE__ */ Symbol("runScaled");
/** Of an RMSprop: `step` under the loss scale with this handle; `false` if it was skipped. */
export const STEP_SCALED: unique symbol = /* @__PURE__ */ Symbol("stepScaled");
/** Of an RMSprop: builds it anew for other variables, and keeps the state of those that it has. */
export const REBUILD: unique symbol = /* @__PURE__ */ Symbol("rebuild");
/** Of an RMSprop: does a function's work, whose step takes the learning rate that there was before it. */
export const WITH_LEARNING_RATE: unique symbol = /* @__PURE__ */ Symbol("withLearningRate");

/** Of an RMSprop: all hyper-parameters as they are now. */
export const VALUES: unique symbol = /* @__PURE__ */ Symbol("values");
/** Of an RMSprop: sets one of them. */
export const SET: unique symbol = /* @__PURE__ */ Symbol("set");

/** Of a class of schedules: Keras' names of its configuration, in Keras' order. */
export const KEYS: unique symbol = /* @__PURE__ */ Symbol("keys");
/** Of schedules: `at`, by the crate's functions in a runtime. */
export const EVALUATE: unique symbol = /* @__PURE__ */ Symbol("evaluate");
