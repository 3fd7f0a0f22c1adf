// How long checkpoints with forged headers keep `load` busy: CPU milliseconds per megabyte, for files of 1, 2 and 4 MB. Every
// checksum is right, so nothing is refused before the header is read.
//
//   node bench/hostile-headers.mjs     after `npm run build`

import { crc32 } from "node:zlib";
import { RMSprop, Variable } from "rmsprop-wasm";
import { inspect, load } from "rmsprop-wasm/checkpoint";

const START = '"__metadata__":{"format":"rmsprop-wasm checkpoint","version":"1","checksum":"00000000","arrays":"[]"';
const tensor = (/** @type {number} */ i, rest = '"shape":[0],"data_offsets":[0,0]') => `"${i}":{"dtype":"F32",${rest}}`;
const list = (/** @type {number} */ count, /** @type {(i: number) => string} */ item) =>
  Array.from({ length: count }, (_, i) => item(i)).join(",");

/** Headers of about `size` bytes. @type {Record<string, (size: number) => string>} */
const HEADERS = {
  "many tensors": (size) => `{${START}},${list(size / 60, (i) => tensor(i))}}`,
  "their names in the reverse order": (size) => `{${START}},${list(size / 60, (i) => tensor(1e6 - i))}}`,
  "overlapping tensors": (size) =>
    `{${START}},${list(size / 60, (i) => tensor(i, '"shape":[1],"data_offsets":[0,4]'))}}`,
  "one tensor repeated": (size) => `{${START}},${list(size / 60, () => tensor(7))}}`,
  "variables and their slots": (size) =>
    `{${START}},${list(size / 70, (i) => `"${i >> 1}${i % 2 ? "/velocity" : ""}":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}`)}}`,
  "many texts": (size) => `{${START},${list(size / 12, (i) => `"${i}":"1"`)}}}`,
  "many texts of the user's": (size) => `{${START},${list(size / 22, (i) => `"metadata/${i}":"1"`)}}}`,
  "many arrays of the user's": (size) =>
    `{${START.replace("[]", `[${list(size / 12, (i) => `\\"${i}\\"`)}]`)}},${list(size / 120, (i) => `"arrays/${i}":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}`)}}`,
  "a shape of many dimensions": (size) => `{${START}},${tensor(0, `"shape":[${list(size / 2, () => "0")}]`)}}`,
  "a long number": (size) => `{${START}},${tensor(0, `"shape":[${"9".repeat(size)}]`)}}`,
  "lists in lists": (size) => `{${START}},"0":${"[".repeat(size / 2)}${"]".repeat(size / 2)}}`,
  "white space": (size) => `{${START}}${" ".repeat(size)}}`,
  "quotation marks": (size) => `{"x":"${'\\"'.repeat(size / 2)}",${START}}}`,
  "a configuration of many keys": (size) => `{${START},"optimizer":"{${list(size / 14, (i) => `\\"${i}\\":1`)}}"}}`,
  "two-byte text": (size) => `{${START},"x":"${"é".repeat(size / 2)}"}}`,
};

/** @param {string} header */
function forged(header) {
  const text = Buffer.from(header);
  const bytes = Buffer.alloc(8 + text.length);
  bytes.writeBigUInt64LE(BigInt(text.length));
  text.copy(bytes, 8);
  const at = bytes.indexOf('"checksum":"') + 12;
  bytes.write(crc32(bytes).toString(16).padStart(8, "0"), at);
  return new Uint8Array(bytes);
}

/** CPU milliseconds, the least of three. @param {() => unknown} work */
function time(work) {
  const times = Array.from({ length: 3 }, () => {
    const before = process.cpuUsage();
    try {
      work();
    } catch {
      // As it should be.
    }
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1000;
  });
  return Math.min(...times);
}

const optimizer = new RMSprop();
optimizer.build([new Variable([1, 2, 3], { name: "w" })]);
console.log("| Header | load, ms per MB at 1, 2, 4 MB | inspect |\n| --- | --- | --- |");
for (const [name, header] of Object.entries(HEADERS)) {
  const files = [1, 2, 4].map((megabytes) => forged(header(megabytes * 1e6)));
  const perMegabyte = (/** @type {(bytes: Uint8Array) => unknown} */ work) =>
    files.map((bytes) => (time(() => work(bytes)) / (bytes.length / 1e6)).toFixed(0)).join(", ");
  console.log(`| ${name} | ${perMegabyte((bytes) => load(bytes, optimizer))} | ${perMegabyte(inspect)} |`);
}
