#!/usr/bin/env node
// The command: reads options and data, trains, shows how it goes and what came of it. The learning itself is in train.ts.
// Exit codes: 0 done, 1 not possible here, 2 the options make no sense.

import { readFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { gunzipSync } from "node:zlib";
import { BackendUnavailableError, createRuntime, type Runtime } from "rmsprop-wasm";
import { type Example, parseExamples } from "./data.js";
import { Display } from "./terminal.js";
import { defaults, type Result, type Settings, train } from "./train.js";

const DATA = new URL("../../../examples/digits/digits.csv.gz", import.meta.url); // as seen from build/examples/digits

/** Every setting is an option: `learningRate` is --learning-rate. */
const settingHelp: Record<keyof Settings, string> = {
  epochs: "passes over the training data",
  batch: "examples per step",
  seed: "decides the split, the first parameters and the order",
  learningRate: "the highest rate, after the warm-up",
  warmUp: "epochs in which the rate rises from 0",
  weightDecay: "of the kernels; biases are excluded",
  globalClipnorm: "the longest gradient, over all parameters; 0: any",
  emaMomentum: "of the moving average that is tested in the end",
};
const smallestWhole: Partial<Record<keyof Settings, number>> = { epochs: 1, batch: 1, seed: 0 };
const settingNames = Object.keys(settingHelp) as (keyof Settings)[];

const HELP = `Usage: npm start -- [options]

Trains a 64-32-10 perceptron to read handwritten digits, with RMSprop in WebAssembly.

${settingNames.map((name) => option(`${flag(name)} <number>`, `${settingHelp[name]} (${defaults[name]})`)).join("\n")}
${option("backend <wasm|js>", "WebAssembly, or the same code as plain JavaScript (wasm if it can be had)")}
${option("plain", "lines instead of a progress bar, no colors")}
${option("help", "this text")}`;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      ...Object.fromEntries(settingNames.map((name) => [flag(name), { type: "string" as const }])),
      backend: { type: "string" },
      plain: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    console.log(HELP);
    return;
  }
  const settings = { ...defaults };
  for (const name of settingNames) {
    const text = (values as Record<string, unknown>)[flag(name)];
    if (typeof text === "string") settings[name] = parseSetting(name, text);
  }
  const runtime = openRuntime(values.backend);
  const examples = parseExamples(gunzipSync(await readFile(DATA)).toString());
  run(examples, settings, runtime, new Display(process.stdout, values.plain));
}

function run(examples: Example[], settings: Settings, runtime: Runtime, display: Display): void {
  display.line(
    `Learning to read digits: ${examples.length} examples, ${settings.epochs} epochs, RMSprop in ${runtime.backend}`,
  );
  const clock = () => performance.now();
  const training = train(examples, settings, { runtime, clock });
  const losses: number[] = [];
  let time = 0; // spent in the training: what the display takes is not counted
  for (;;) {
    const before = clock();
    const { done, value } = training.next();
    time += clock() - before;
    if (done) {
      report(display, losses, value, time);
      return;
    }

    losses.push(value.loss);
    const texts = [
      `epoch ${String(value.epoch).padStart(String(settings.epochs).length)}/${settings.epochs}`,
      `loss ${value.loss.toFixed(4)}`,
      `accuracy ${percent(value.accuracy).padStart(7)}`,
      `norm ${value.gradientNorm.toFixed(3)}`,
      `rate ${value.learningRate.toFixed(5)}`,
    ];
    display.progress(value.epoch, settings.epochs, texts.join("  "));
  }
}

function report(display: Display, losses: readonly number[], result: Result, time: number): void {
  const { correct, tested, steps, parameters, checksum } = result;
  const optimizerTime = Math.max(result.optimizerTime - steps * clockCost(), 0);
  display.curve("loss (logarithmic)", losses);
  display.line(`test accuracy   ${percent(correct / tested)}: ${correct} of ${tested} digits it had never seen`);
  display.line(
    `speed           ${Math.round((1000 * steps) / time)} steps a second: ${steps} in ${(time / 1000).toFixed(2)} s`,
  );
  display.line(
    `optimizer       ${percent(optimizerTime / time)} of that time: ${((1000 * optimizerTime) / steps).toFixed(1)} µs a step for ${parameters} parameters`,
  );
  display.line(`parameters      CRC-32 ${checksum.toString(16).padStart(8, "0")}`);
}

/** Two readings of a clock are some time apart even if nothing is between them. A step is so short that this counts. */
function clockCost(): number {
  const pairs = 100_000;
  let sum = 0;
  for (let i = 0; i < pairs; i++) {
    const before = performance.now();
    sum += performance.now() - before;
  }
  return sum / pairs;
}

function parseSetting(name: keyof Settings, text: string): number {
  const value = text.trim() === "" ? Number.NaN : Number(text);
  const minimum = smallestWhole[name];
  if (minimum !== undefined && !(Number.isSafeInteger(value) && value >= minimum)) {
    throw new RangeError(`--${flag(name)} must be a whole number from ${minimum} on; received "${text}"`);
  }
  if (!Number.isFinite(value)) throw new RangeError(`--${flag(name)} must be a number; received "${text}"`);
  return value;
}

function openRuntime(backend: string | undefined): Runtime {
  if (backend === undefined) return createRuntime();
  if (backend === "wasm" || backend === "js") return createRuntime({ backend });
  throw new RangeError(`--backend must be wasm or js; received "${backend}"`);
}

function flag(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

function option(usage: string, help: string): string {
  return `  --${usage.padEnd(27)}${help}`;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

try {
  await main();
} catch (error) {
  const usage = error instanceof RangeError || (error instanceof TypeError && "code" in error);
  if (!usage && !(error instanceof BackendUnavailableError)) throw error;
  console.error(`${error.message}${usage ? "\nnpm start -- --help lists the options." : ""}`);
  process.exitCode = usage ? 2 : 1;
}
