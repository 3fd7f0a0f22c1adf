#!/usr/bin/env node
// The command `rmsprop-wasm`: what is in a file, and what works on this machine.

import { argv, exit, stderr, stdout } from "node:process";
import { doctor } from "./doctor.js";
import { inspectFile } from "./inspect-file.js";
import { printable, written } from "./written.js";

const USAGE = `Usage:
  rmsprop-wasm inspect FILE [--json]   what is in a checkpoint, a safetensors file, or a model of Keras (.keras, .h5)
  rmsprop-wasm doctor [--json]         backends, threads and versions here, with a self-test

Exit status: 0, 1 if the file cannot be read or the self-test fails, 2 for other arguments.
`;

const given = argv.slice(2);
const isJson = given.includes("--json");
const [command, file, ...others] = given.filter((argument) => argument !== "--json");

/** The report of the command, and whether all is well. */
async function report(): Promise<{ readonly found: object; readonly isWell: boolean } | undefined> {
  if (command === "inspect" && file !== undefined && others.length === 0) {
    return { found: await inspectFile(file), isWell: true };
  }
  if (command === "doctor" && file === undefined) {
    const found = await doctor();
    return { found, isWell: found.selfTest.every(({ ok }) => ok) };
  }
  return undefined;
}

function json(value: object, indent?: number): string {
  const lines = JSON.stringify(value, null, indent).split("\n");
  return `${lines.map(printable).join("\n")}\n`;
}

try {
  const result = await report();
  if (result) {
    stdout.write(isJson ? json(result.found, 2) : written(result.found));
    if (!result.isWell) exit(1);
  } else if (command === "--help" || command === "-h") stdout.write(USAGE);
  else {
    stderr.write(USAGE);
    exit(2);
  }
} catch (error) {
  const { name, message } = error as Error;
  stderr.write(isJson ? json({ error: name, message }) : `${printable(message)}\n`);
  exit(1);
}
