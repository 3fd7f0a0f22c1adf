// A perceptron with one hidden layer, in plain TypeScript. It reads the views `value` and writes the views `gradient`
// of its variables where they are, in the optimizer's memory: nothing is copied on the way.

import { exponential } from "./exponential.js";

type Vector = Float32Array | Float64Array;

/** What the network needs of a variable. */
export interface Parameter {
  readonly value: Vector;
  readonly gradient: Vector;
}

/** units = bias + inputs · kernel. The kernel has shape [inputs, units], row by row, as in Keras. */
export interface Layer {
  readonly kernel: Parameter;
  readonly bias: Parameter;
}

export class Network {
  readonly first: Layer;
  readonly second: Layer;
  readonly hidden: Float64Array;
  readonly logits: Float64Array;
  readonly probabilities: Float64Array;
  readonly #hiddenError: Float64Array;
  readonly #outputError: Float64Array;

  constructor(first: Layer, second: Layer) {
    this.first = first;
    this.second = second;
    const units = first.bias.value.length;
    const classes = second.bias.value.length;
    this.hidden = new Float64Array(units);
    this.logits = new Float64Array(classes);
    this.probabilities = new Float64Array(classes);
    this.#hiddenError = new Float64Array(units);
    this.#outputError = new Float64Array(classes);
  }

  /** Computes `hidden`, `logits` and `probabilities`; returns the likeliest class. */
  forward(inputs: Vector): number {
    const { hidden, logits, probabilities } = this;
    dense(inputs, this.first, hidden);
    relu(hidden);
    dense(hidden, this.second, logits);
    softmax(logits, probabilities);
    return probabilities.indexOf(Math.max(...probabilities));
  }

  /** The cross-entropy −ln p of what the last `forward` said of the right class. */
  loss(label: number): number {
    // Shown to people and never fed back, so `Math.log` may differ in its last bit from engine to engine.
    return -Math.log(Math.max(this.probabilities[label]!, Number.MIN_VALUE));
  }

  /** Adds `weight` times the gradient of that loss, for the inputs of the last `forward`, to the gradients of all parameters. */
  backward(inputs: Vector, label: number, weight: number): void {
    const outputError = this.#outputError;
    for (let i = 0; i < outputError.length; i++) {
      outputError[i] = weight * (this.probabilities[i]! - (i === label ? 1 : 0));
    }
    denseGradient(this.hidden, this.second, outputError);

    const hiddenError = this.#hiddenError;
    denseError(this.second, outputError, hiddenError);
    for (let i = 0; i < hiddenError.length; i++) if (this.hidden[i] === 0) hiddenError[i] = 0;
    denseGradient(inputs, this.first, hiddenError);
  }
}

function dense(inputs: Vector, layer: Layer, outputs: Vector): void {
  const kernel = layer.kernel.value;
  const units = outputs.length;
  outputs.set(layer.bias.value);
  for (let i = 0, at = 0; i < inputs.length; i++, at += units) {
    const input = inputs[i]!;
    if (input === 0) continue; // half of all pixels and hidden units
    for (let j = 0; j < units; j++) outputs[j]! += input * kernel[at + j]!;
  }
}

function denseGradient(inputs: Vector, layer: Layer, error: Vector): void {
  const kernel = layer.kernel.gradient;
  const bias = layer.bias.gradient;
  const units = error.length;
  for (let j = 0; j < units; j++) bias[j]! += error[j]!;
  for (let i = 0, at = 0; i < inputs.length; i++, at += units) {
    const input = inputs[i]!;
    if (input === 0) continue;
    for (let j = 0; j < units; j++) kernel[at + j]! += input * error[j]!;
  }
}

function denseError(layer: Layer, error: Vector, inputError: Vector): void {
  const kernel = layer.kernel.value;
  const units = error.length;
  for (let i = 0, at = 0; i < inputError.length; i++, at += units) {
    let sum = 0;
    for (let j = 0; j < units; j++) sum += kernel[at + j]! * error[j]!;
    inputError[i] = sum;
  }
}

function relu(values: Vector): void {
  for (let i = 0; i < values.length; i++) values[i] = Math.max(values[i]!, 0);
}

function softmax(logits: Vector, probabilities: Vector): void {
  const largest = Math.max(...logits);
  let sum = 0;
  for (let i = 0; i < logits.length; i++) sum += probabilities[i] = exponential(logits[i]! - largest);
  for (let i = 0; i < logits.length; i++) probabilities[i]! /= sum;
}
