// The live page "Paths" without its page: what its stories say is so, and its links never break.

import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-backend-cpu";
import { describe, expect, it } from "vitest";
import expected from "../../site/live/expected.json" with { type: "json" };
import { Experiment } from "../../site/live/paths/experiment.js";
import { createWalker } from "../../site/live/paths/optimizers.js";
import { advance, checksum, run } from "../../site/live/paths/run.js";
import { defaults, fromHash, numberNames, ranges, settingsWith, toHash } from "../../site/live/paths/settings.js";
import { toPosition, toValue } from "../../site/live/paths/sliders.js";
import { stories } from "../../site/live/paths/stories.js";
import { summary } from "../../site/live/paths/summary.js";
import { surfaceIds, surfaces } from "../../site/live/paths/surfaces.js";

const story = (title: string) => stories.find((each) => each.title === title)!.settings;

describe("stories", () => {
  it.each(stories)("$title: Keras' path has the bits that Keras computes", ({ title, settings }) => {
    expect(checksum(run("keras", settings))).toBe((expected.paths as Record<string, string>)[title]);
  });

  it("Leave a saddle: RMSprop is there long before gradient descent, which ends closer", () => {
    const [keras, descent] = [run("keras", story("Leave a saddle")), run("descent", story("Leave a saddle"))];
    expect([keras.arrived, descent.arrived]).toEqual([92, 520]);
    expect(descent.gaps[570]!).toBeLessThan(keras.gaps[570]!);
  });

  it.each([[0.03, 64, 348]])("Leave a saddle: so it is at a rate of %d", (learningRate, keras, descent) => {
    const settings = settingsWith({ learningRate });
    expect([run("keras", settings).arrived, run("descent", settings).arrived]).toEqual([keras, descent]);
  });

  it("Settle: RMSprop ends at the minimum, gradient descent on the saddle", () => {
    const settings = story("Settle");
    expect(run("keras", settings).gaps.at(-1)).toBe(0);
    expect(run("descent", settings).arrived).toBe(-1);
  });

  it("Curved valley: gradient descent is out at step 2", () => {
    const experiment = new Experiment(story("Curved valley"));
    experiment.seek(600);
    expect(experiment.statusOf("descent")).toEqual({ kind: "out", since: 2 });
    expect(summary(experiment)).toContain("Gradient descent: out of the picture since step 2");
    experiment.free();
  });

  it("Where descent wins: gradient descent is first, RMSprop goes to another minimum", () => {
    const [keras, descent] = [run("keras", story("Where descent wins")), run("descent", story("Where descent wins"))];
    expect([keras.arrived, descent.arrived]).toEqual([373, 15]);
    expect(Math.abs(keras.points.at(-2)! - descent.points.at(-2)!)).toBeGreaterThan(0.5);
  });

  it("Two RMSprops: two paths", () => {
    const settings = story("Two RMSprops");
    expect(checksum(run("keras", settings))).not.toBe(checksum(run("torch", settings)));
  });

  it("NaN: tfjs' formula is NaN at step 1, Keras' never", () => {
    expect([run("tfjs", story("NaN")).lost, run("keras", story("NaN")).lost]).toEqual([1, -1]);
  });

  it("Noise: the average shakes less than the weights", () => {
    const { points, average } = run("keras", story("Noise"));
    const shaking = (values: Float32Array) => {
      let sum = 0;
      for (let step = 300; step < 600; step++) sum += Math.abs(values[2 * step + 1]! - values[2 * step - 1]!);
      return sum;
    };
    expect(shaking(average!) / shaking(points)).toBeLessThan(0.1);
  });
});

describe("tfjs' formula", () => {
  // The last state before this formula is NaN counts too.
  it.each([
    ["saddle", {}],
    ["saddle", { centered: true }],
    ["saddle", { momentum: 0.9 }],
    ["rosenbrock", { learningRate: 0.01 }],
    ["rosenbrock", { learningRate: 0.01, centered: true, momentum: 0.5 }],
  ] as const)("on %s with %o has the bits of tfjs 4.22", async (surface, options) => {
    await tf.setBackend("cpu");
    const settings = settingsWith({ surface, ...options });
    const walker = createWalker("tfjs", settings);
    const { learningRate, rho, momentum, epsilon, centered } = settings;
    const optimizer = tf.train.rmsprop(learningRate, rho, momentum, epsilon, centered);
    const w = tf.variable(tf.tensor1d([...settings.start]), true, `w ${surface} ${JSON.stringify(options)}`);
    for (let step = 0; step < 300; step++) {
      const values = w.dataSync<"float32">();
      expect(Array.from(walker.weights), `step ${step}`).toEqual(Array.from(values));
      const gradient = tf.tensor1d([...surfaces[surface].gradient(values[0]!, values[1]!)]);
      optimizer.applyGradients([{ name: w.name, tensor: gradient }]);
      gradient.dispose();
      advance(walker, surfaces[surface], step);
    }
    optimizer.dispose();
    w.dispose();
  });
});

describe("surfaces", () => {
  it.each(surfaceIds)("%s: the gradient is the loss's, and vanishes at the minima", (id) => {
    const { loss, gradient, minima, lowest, start } = surfaces[id];
    const h = 1e-5;
    for (const [x, y] of [start, [0.3, -0.7], [1.1, 0.4]] as const) {
      const [gx, gy] = gradient(x, y);
      expect((loss(x + h, y) - loss(x - h, y)) / (2 * h)).toBeCloseTo(gx, 4);
      expect((loss(x, y + h) - loss(x, y - h)) / (2 * h)).toBeCloseTo(gy, 4);
    }
    for (const [x, y] of minima) {
      expect(loss(x, y)).toBeCloseTo(lowest, 9);
      for (const element of gradient(x, y)) expect(Math.abs(element)).toBeLessThan(1e-4);
    }
  });
});

describe("links", () => {
  it.each(stories)("$title: settings survive", ({ settings }) => {
    expect(fromHash(`#${toHash(settings)}`)).toEqual(settings);
  });

  it("hold nothing that is a default", () => {
    expect(toHash(defaults)).toBe("");
    expect(toHash(settingsWith({ learningRate: 0.1, surface: "beale" }))).toBe("surface=beale&learningRate=0.1");
  });

  it.each([
    "#surface=moon&learningRate=0.1&rho=7",
    "#start=1,2,3&epsilon=&steps=1e9&hidden=everyone",
    "#start=NaN,0&clipnorm=-1&ema=1&cosine=maybe",
    "#%",
    "#&&==&",
  ])("that make no sense are no error: %s", (hash) => {
    const settings = fromHash(hash);
    expect(surfaceIds).toContain(settings.surface);
    for (const name of numberNames) expect(Number.isFinite(settings[name])).toBe(true);
    expect(run("keras", settings).lost).toBe(-1);
  });
});

describe("sliders", () => {
  it.each(numberNames)("%s: from one end to the other, and back to the same value", (name) => {
    const { least, most, canBeOff } = ranges[name];
    expect(toValue(name, 0)).toBe(canBeOff ? 0 : least);
    expect(toValue(name, 1000)).toBe(most);
    for (let position = 0; position <= 1000; position++) {
      const value = toValue(name, position);
      expect(value >= least || (canBeOff && value === 0)).toBe(true);
      expect(toValue(name, toPosition(name, value))).toBe(value);
    }
  });
});
