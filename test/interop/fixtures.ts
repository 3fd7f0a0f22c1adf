// The recorded files of other libraries (make_keras.py, make_pytorch.py), as they were written.
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import type { RMSprop, RMSpropOptions } from "rmsprop-wasm";
import { expect } from "vitest";
import { noise } from "../unit/support.js";

const read = (name: string) => readFileSync(new URL(`fixtures/${name}`, import.meta.url));

export const fixture = (name: string): Uint8Array => gunzipSync(read(`${name}.gz`));

export const expectations = <T>(name: string): T => JSON.parse(read(`${name}.json`).toString()) as T;

/** An array as the scripts write it. */
export interface Recorded {
  readonly path: string;
  readonly shape: readonly number[];
  readonly dtype: string;
  readonly b64: string;
}

export const bytesOf = ({ b64 }: Recorded) => Buffer.from(b64, "base64").toString("hex");

/** The same of an array of ours. */
export const hex = (values: Float32Array | Int32Array) => Buffer.from(values.slice().buffer).toString("hex");

/** What PyTorch kept for a parameter, as float32 in base64. */
export interface TorchState {
  readonly value: string;
  readonly square_avg?: string;
  readonly momentum_buffer?: string;
  readonly grad_avg?: string;
}

/** A training with PyTorch or timm: its options, and the parameters when it was saved and at its end. */
export interface TorchCase {
  readonly alpha: number;
  readonly eps: number;
  readonly momentum: number;
  readonly centered: boolean;
  readonly maximize?: boolean;
  readonly decoupled_decay?: boolean;
  /** Only timm's have it. */
  readonly lr_in_momentum?: boolean;
  /** What groups of one parameter each, or one of both, have of their own; the rate as a factor of the common one. */
  readonly groups: readonly { readonly factor: number; readonly weight_decay: number }[];
  readonly saved: readonly TorchState[];
  readonly final: readonly TorchState[];
}

/** The trainings of make_pytorch.py: of which shapes, with which rate at each step, saved after how many steps. */
export const torch = expectations<{
  readonly shapes: readonly (readonly number[])[];
  readonly rates: readonly number[];
  readonly steps: number;
  readonly cases: Readonly<Record<string, TorchCase>>;
}>("pytorch");

/** Those in which every parameter has a gradient at every step. */
export const torchCases = Object.entries(torch.cases).filter(([name]) => !name.includes("no-gradient"));

/** PyTorch's and timm's options by our names. */
export function torchOptions(recorded: Omit<TorchCase, "saved" | "final">): RMSpropOptions {
  const { alpha, eps, momentum, centered, maximize, lr_in_momentum: isInside, groups } = recorded;
  const isTimm = isInside !== undefined;
  return {
    rho: alpha,
    epsilon: eps,
    momentum,
    centered,
    epsilonMode: isTimm ? "inside" : "outside",
    momentumMode: isInside ? "keras" : "torch",
    maximize,
    initialVelocity: isTimm ? 1 : 0,
    weightDecay: Math.max(...groups.map((group) => group.weight_decay)) || null,
    weightDecayMode: recorded.decoupled_decay ? "decoupled" : "coupled",
  };
}

/** PyTorch's names of the slots. */
export const TORCH_SLOTS = [
  ["velocity", "square_avg"],
  ["momentum", "momentum_buffer"],
  ["average_gradient", "grad_avg"],
] as const;

export const torchSizes = torch.shapes.map((shape) => shape.reduce((product, length) => product * length, 1));

/** The parameters' first values, and their gradients in a step counted from 0, as make_pytorch.py draws them. */
export const torchValues = () => torchSizes.map((size, i) => noise(size, 100 * i + 1));
export const torchGradients = (step: number) => torchSizes.map((size, i) => noise(size, 100 * i + step + 2));

export const floats = (b64: string) => new Float32Array(Uint8Array.from(Buffer.from(b64, "base64")).buffer);

/** The largest difference, in units of the last place of the largest number: sums of both signs cancel. */
export function distance(ours: readonly number[], theirs: readonly number[]): number {
  expect(theirs.length).toBe(ours.length);
  const largest = Math.max(...theirs.map(Math.abs));
  const unit = 2 ** (Math.floor(Math.log2(largest)) - 23);
  return Math.max(...ours.map((x, i) => Math.abs(x - theirs[i]!) / unit));
}

/**
 * How far PyTorch's roundings may lead: it moves the mean of the gradients by `lerp_`, where the sums cancel, and centering
 * hands the difference on to the momentum. Measured: 3 units in the mean, 5 in the momentum, 2 in all else. timm writes the mean of
 * squares, and decoupled decay, as other products: 5.5.
 */
export const unitsOf = ({ centered, lr_in_momentum: isInside }: TorchCase, what: string): number =>
  isInside !== undefined ? 5.5 : centered && (what === "average_gradient" || what === "momentum") ? 5 : 2;

/** How far the values and each slot are, over all parameters, from those at the end of PyTorch's training. */
export function distances(optimizer: RMSprop, { final }: TorchCase): Record<string, number> {
  const { trainableVariables: variables } = optimizer;
  const all = (arrays: readonly Float32Array[]) => arrays.flatMap((array) => [...array]);
  const theirs = (key: keyof TorchState) => all(final.map((state) => floats(state[key] ?? "")));
  const found: Record<string, number> = {
    value: distance(all(variables.map(({ value }) => value)), theirs("value")),
  };
  for (const [slot, key] of TORCH_SLOTS) {
    const ours = all(variables.flatMap((variable) => optimizer.slot(slot, variable) ?? []));
    if (ours.length + theirs(key).length > 0) found[slot] = distance(ours, theirs(key));
  }
  return found;
}

/** What a file of safetensors holds: its metadata, and its tensors, which are float32. */
export function tensorsOf(bytes: Uint8Array) {
  const { buffer, byteOffset } = bytes;
  const start = 8 + Number(new DataView(buffer, byteOffset).getBigUint64(0, true));
  const { __metadata__: metadata, ...header } = JSON.parse(new TextDecoder().decode(bytes.subarray(8, start)));
  const tensors = Object.entries(header as Record<string, { readonly data_offsets: [number, number] }>).map(
    ([
      name,
      {
        data_offsets: [begin, end],
      },
    ]) => [name, new Float32Array(Uint8Array.from(bytes.subarray(start + begin, start + end)).buffer)] as const,
  );
  return { metadata: metadata as Readonly<Record<string, string>>, tensors: new Map(tensors) };
}
