// Keys of the members that other files of the package call, and nobody else. They are symbols, so that no member of a user's
// subclass can override one by having its name.

/** Of variables: throws if the memory was given back. */
export const ASSERT_NOT_FREED: unique symbol = /* @__PURE__ */ Symbol("assertNotFreed");
/** Of variables: the runtime whose memory they are in. */
export const RUNTIME: unique symbol = /* @__PURE__ */ Symbol("runtime");
/** Of variables: the number by which the crate knows them. */
export const HANDLE: unique symbol = /* @__PURE__ */ Symbol("handle");
/** Of variables: a gradient from outside, if it can be copied into theirs. */
export const CHECKED_GRADIENT: unique symbol = /* @__PURE__ */ Symbol("checkedGradient");

/**
 * Of variables and slots: their values, to be read or written at once; of many, faster than `value`. In the registry of symbols:
 * `checkpoint` is bundled without the classes, for all builds of them.
 */
export const PEEK: unique symbol = /* @__PURE__ */ Symbol.for("rmsprop-wasm.peek");

/** Of optimizers: the `OptimizerState`, which a LossScaleOptimizer shares with its inner optimizer. */
export const STATE: unique symbol = /* @__PURE__ */ Symbol("state");
/** Of optimizers: what the loss and its gradients are multiplied by; `null` if it is not scaled. */
export const LOSS_SCALE: unique symbol = /* @__PURE__ */ Symbol("lossScale");
/** Of optimizers: the handle of their dynamic loss scale, made if there is none yet; 0 for an optimizer without. */
export const SCALE_HANDLE: unique symbol = /* @__PURE__ */ Symbol("scaleHandle");

/** Of a class of schedules: Keras' names of its configuration, in Keras' order. */
export const KEYS: unique symbol = /* @__PURE__ */ Symbol("keys");
/** Of schedules: `at`, by the crate's functions in a runtime. */
export const EVALUATE: unique symbol = /* @__PURE__ */ Symbol("evaluate");
