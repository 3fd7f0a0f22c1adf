// How far a training goes from PyTorch's and timm's, and both from float64: over random options, from the same values and gradients.
// What is measured is what docs/pytorch.md says.
import { RMSprop, Variable } from "rmsprop-wasm";
import { describe, expect, it } from "vitest";
import { tableRows } from "../docs/pages.js";
import { noise } from "../unit/support.js";
import { distance, fixture, type TorchCase, tensorsOf, torch, torchOptions } from "./fixtures.js";

/** Options of a training, and of its gradients: `(noise + offset) * 2 ** exponent`. */
interface Configuration extends Omit<TorchCase, "groups" | "saved" | "final"> {
  readonly lr: number;
  readonly weight_decay: number;
  readonly offset: number;
  readonly exponent: number;
}

const { metadata, tensors } = tensorsOf(fixture("pytorch-random.safetensors"));
const configurations: readonly Configuration[] = JSON.parse(metadata["configurations"]!);
const SIZE = 24;
const STEPS = torch.rates.length;
const f = Math.fround;

const valuesOf = (number: number) => noise(SIZE, 1000 * number + 1);
const rateOf = ({ lr }: Configuration, step: number) => lr * torch.rates[step]! * 100;
const gradientOf = ({ offset, exponent }: Configuration, number: number, step: number) =>
  noise(SIZE, 1000 * number + step + 2).map((g) => f(g + offset) * 2 ** exponent);

/** What an optimizer keeps, by PyTorch's names. */
type Kept = Partial<Record<"value" | "square_avg" | "momentum_buffer" | "grad_avg", readonly number[]>>;

function ours(configuration: Configuration, number: number): Kept {
  const groups = [{ factor: 1, weight_decay: configuration.weight_decay }];
  const optimizer = new RMSprop(torchOptions({ ...configuration, groups }));
  const w = new Variable(valuesOf(number));
  optimizer.build([w]);
  for (let step = 0; step < STEPS; step++) {
    optimizer.learningRate = rateOf(configuration, step);
    optimizer.apply([gradientOf(configuration, number, step)]);
  }
  const slot = (name: "velocity" | "momentum" | "average_gradient") => [...(optimizer.slot(name, w) ?? [])];
  return {
    value: [...w.value],
    square_avg: slot("velocity"),
    momentum_buffer: slot("momentum"),
    grad_avg: slot("average_gradient"),
  };
}

/** The formulas as they are written, in float64. */
function inFloat64(configuration: Configuration, number: number): Kept {
  const {
    alpha,
    eps,
    momentum: mu,
    centered,
    weight_decay: lambda,
    maximize,
    lr_in_momentum: isInside,
  } = configuration;
  const isTimm = isInside !== undefined;
  const w = [...valuesOf(number)];
  const [v, a, m] = [isTimm ? 1 : 0, 0, 0].map((first) => new Array<number>(SIZE).fill(first)) as [
    number[],
    number[],
    number[],
  ];
  for (let step = 0; step < STEPS; step++) {
    const eta = rateOf(configuration, step);
    gradientOf(configuration, number, step).forEach((gradient, i) => {
      let g = maximize ? -gradient : gradient;
      if (configuration.decoupled_decay) w[i]! *= 1 - eta * lambda;
      else g += lambda * w[i]!;
      v[i] = alpha * v[i]! + (1 - alpha) * g * g;
      a[i] = alpha * a[i]! + (1 - alpha) * g;
      const variance = v[i]! - (centered ? a[i]! ** 2 : 0);
      const root = isTimm ? Math.sqrt(variance + eps) : Math.sqrt(variance) + eps;
      if (mu === 0) {
        w[i]! -= (eta * g) / root;
      } else {
        m[i] = mu * m[i]! + (isInside ? eta * g : g) / root;
        w[i]! -= isInside ? m[i]! : eta * m[i]!;
      }
    });
  }
  return { value: w, square_avg: v, momentum_buffer: mu > 0 ? m : [], grad_avg: centered ? a : [] };
}

const KEYS = ["value", "square_avg", "momentum_buffer", "grad_avg"] as const;
const trainings = configurations.map((configuration, number) => {
  const theirs: Kept = Object.fromEntries(KEYS.map((key) => [key, [...(tensors.get(`${number}/${key}`) ?? [])]]));
  return { configuration, all: [ours(configuration, number), theirs, inFloat64(configuration, number)] as const };
});

const NAMES = {
  value: "values",
  square_avg: "`velocity`",
  momentum_buffer: "`momentum`",
  grad_avg: "`average_gradient`",
};
const shown = (units: number) => units.toFixed(units < 10 ? 1 : 0);

/** What half of these, nine in ten, and all do not exceed. */
function quantiles(distances: readonly number[]): string {
  const sorted = [...distances].sort((a, b) => a - b);
  return [0.5, 0.9, 1]
    .map((share) => shown(sorted[Math.min(Math.floor(share * sorted.length), sorted.length - 1)]!))
    .join(", ");
}

describe("over random options", () => {
  const rows = [false, true].flatMap((centered) =>
    KEYS.flatMap((key) => {
      const kept = trainings.filter(
        ({ configuration, all }) => configuration.centered === centered && all[1][key]!.length > 0,
      );
      if (kept.length === 0) return [];
      const pairs = [
        [0, 1],
        [0, 2],
        [1, 2],
      ] as const;
      const columns = pairs.map(([a, b]) => quantiles(kept.map(({ all }) => distance(all[a][key]!, all[b][key]!))));
      return [[`${NAMES[key]}${centered ? ", centered" : ""}`, String(kept.length), ...columns]];
    }),
  );

  it("both are as far from each other, and from float64, as the page says", () => {
    expect(rows).toEqual(tableRows("docs/pytorch.md", "## The last bits"));
  });

  it("all numbers are finite, and all trainings are there", () => {
    expect(trainings.length).toBe(240);
    for (const { all } of trainings) {
      for (const kept of all) expect(Object.values(kept).flat().every(Number.isFinite)).toBe(true);
    }
  });
});
