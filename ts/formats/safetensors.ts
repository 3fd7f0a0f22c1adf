// The safetensors format (https://huggingface.co/docs/safetensors), written so that data begin at a multiple of 16 bytes,
// and read strictly: what no honest writer makes is an error that says where.
//
//   8 bytes   length of the header, little-endian
//   header    JSON { name: { dtype, shape, data_offsets: [begin, end] }, "__metadata__": { text: text } }, padded with spaces
//   data      the tensors, little-endian, without gaps

import { CheckpointError } from "../support/errors.js";
import { show } from "../support/messages.js";
import { allocated } from "./bytes.js";
import { dtypeOf, type Values, valuesOf, valueWriter, widthOf } from "./typed-values.js";
import { decodeUtf8, encodeUtf8 } from "./utf8.js";

/** An array to be written. */
export interface Tensor {
  readonly shape: readonly number[];
  readonly values: Values;
}

/** What is written into a file. */
export interface Content {
  readonly metadata: Readonly<Record<string, string>>;
  readonly tensors: ReadonlyMap<string, Tensor>;
}

/** An array of a file. A million of them can be in one, so views on the bytes are made when they are asked for. */
export class StoredTensor {
  /** Its type, as the format calls it: F32, I64, BF16, … */
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly #file: Uint8Array<ArrayBuffer>;
  readonly #begin: number;
  readonly #end: number;

  constructor(file: Uint8Array<ArrayBuffer>, dtype: string, shape: readonly number[], begin: number, end: number) {
    this.dtype = dtype;
    this.shape = shape;
    this.#file = file;
    this.#begin = begin;
    this.#end = end;
  }

  /** The numbers: a view on the file's bytes where they are aligned. `undefined` for types without an array. */
  get values(): Values | undefined {
    return valuesOf(this.dtype, this.#file, this.#begin, this.#end);
  }
}

/** What a file says. */
export interface File {
  readonly metadata: ReadonlyMap<string, string>;
  /** In the order of their bytes. */
  readonly tensors: ReadonlyMap<string, StoredTensor>;
}

/** The longest header that Python's library reads, in bytes. */
const MAXIMUM_HEADER = 100_000_000;
const ALIGNMENT = 16;
const [QUOTE, BACKSLASH, COLON] = [0x22, 0x5c, 0x3a] as const;

/** The file's bytes. @throws {CheckpointError} if its header is longer than any that is read, or a text is no Unicode. */
export function write({ metadata, tensors }: Content): Uint8Array<ArrayBuffer> {
  const parts = [`"__metadata__":${JSON.stringify(metadata)}`];
  let end = 0;
  for (const [name, { shape, values }] of tensors) {
    const begin = end;
    end += values.byteLength;
    parts.push(
      `${JSON.stringify(name)}:{"dtype":"${dtypeOf(values)}","shape":[${shape}],"data_offsets":[${begin},${end}]}`,
    );
  }
  const header = encodeUtf8(`{${parts.join(",")}}`);
  const start = Math.ceil((8 + header.length) / ALIGNMENT) * ALIGNMENT;
  if (start - 8 > MAXIMUM_HEADER) {
    throw new CheckpointError(
      `The arrays' names and shapes take ${start - 8} bytes; a file holds at most ${MAXIMUM_HEADER}.`,
    );
  }
  const bytes = allocated(start + end);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(start - 8), true);
  bytes.fill(0x20, 8, start);
  bytes.set(header, 8);
  const writeValues = valueWriter(bytes);
  let at = start;
  for (const { values } of tensors.values()) {
    writeValues(values, at);
    at += values.byteLength;
  }
  return bytes;
}

/** Where the data of a file begin. @throws {CheckpointError} if the file does not even have a header. */
export function dataStart(bytes: Uint8Array): number {
  if (bytes.length < 8) throw new CheckpointError(`A checkpoint has at least 8 bytes; received ${bytes.length}.`);
  const length = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);
  if (length > MAXIMUM_HEADER || length > bytes.length - 8) {
    throw new CheckpointError(
      `The checkpoint is truncated or altered: its header has ${length} bytes, the file ${bytes.length}.`,
    );
  }
  return 8 + Number(length);
}

/**
 * What the bytes of a file say. The tensors are views on the bytes, which must not change any more.
 *
 * @throws {CheckpointError} if the file is not one that a writer of safetensors makes.
 */
export function read(bytes: Uint8Array<ArrayBuffer>): File {
  const start = dataStart(bytes);
  const { header, colons } = parseHeader(bytes.subarray(8, start));
  const metadata = checkedMetadata(header["__metadata__"]);
  const entries: Entry[] = [];
  for (const name of Object.keys(header)) {
    if (name !== "__metadata__") entries.push(checkedEntry(name, header[name]));
  }
  // JSON.parse keeps the last of two equal keys, and passes over what is not known: then there are more colons.
  if (colons !== 4 * entries.length + metadata.size + Number(Object.hasOwn(header, "__metadata__"))) {
    throw new CheckpointError("The checkpoint's header is not as it was written: something is repeated, or not known.");
  }
  // Among tensors that begin at the same byte, those of no bytes come first.
  entries.sort((a, b) => a.begin - b.begin || a.end - b.end);
  const size = bytes.length - start;
  const tensors = new Map<string, StoredTensor>();
  let last = 0;
  for (const { name, dtype, shape, begin, end } of entries) {
    if (begin !== last || end > size) {
      throw new CheckpointError(
        `Tensor ${show(name)} is said to be at bytes ${begin} to ${end}; expected ${last} up to at most ${size}.`,
      );
    }
    tensors.set(name, new StoredTensor(bytes, dtype, shape, start + begin, start + end));
    last = end;
  }
  if (last !== size) throw new CheckpointError(`The checkpoint has ${size} bytes of data; its tensors have ${last}.`);
  return { metadata, tensors };
}

/** The numbers of a tensor that must be float32. */
export function floatsIn(name: string, tensor: StoredTensor): Float32Array<ArrayBuffer> {
  assertFloats(name, tensor);
  return tensor.values as Float32Array<ArrayBuffer>;
}

/** @throws {CheckpointError} if a tensor is not float32. */
export function assertFloats(name: string, { dtype }: StoredTensor): void {
  if (dtype !== "F32") throw new CheckpointError(`Tensor ${show(name)} must have dtype F32; it has ${show(dtype)}.`);
}

/** The header, and how many keys its text has. */
function parseHeader(bytes: Uint8Array): { header: Record<string, unknown>; colons: number } {
  let text: string;
  let header: unknown;
  try {
    text = decodeUtf8(bytes);
    header = JSON.parse(text);
  } catch (cause) {
    throw new CheckpointError(`The checkpoint's header is not JSON: ${cause}`, { cause });
  }
  if (!isObject(header)) throw new CheckpointError("The checkpoint's header is not an object.");
  return { header, colons: countColons(text) };
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** How many keys a JSON text has: its colons outside of strings. */
function countColons(text: string): number {
  let count = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === COLON) count += 1;
    else if (code === QUOTE) {
      // JSON.parse has taken the text: each string ends.
      for (i += 1; text.charCodeAt(i) !== QUOTE; i++) if (text.charCodeAt(i) === BACKSLASH) i += 1;
    }
  }
  return count;
}

function checkedMetadata(metadata: unknown = {}): Map<string, string> {
  const texts = new Map<string, string>();
  const wrong = (value: unknown) =>
    new CheckpointError(`The checkpoint's metadata must be texts by name; received ${show(value)}.`);
  if (!isObject(metadata)) throw wrong(metadata);
  for (const [name, text] of Object.entries(metadata)) {
    if (typeof text !== "string") throw wrong(text);
    texts.set(name, text);
  }
  return texts;
}

interface Entry {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

function checkedEntry(name: string, entry: unknown): Entry {
  const { dtype, shape, data_offsets: offsets } = isObject(entry) ? entry : {};
  const width = typeof dtype === "string" ? widthOf(dtype) : undefined;
  if (width === undefined) throw new CheckpointError(`Tensor ${show(name)} has no known dtype: ${show(dtype)}.`);
  if (!isCounts(shape)) throw new CheckpointError(`Tensor ${show(name)} has no valid shape: ${show(shape)}.`);
  if (!isCounts(offsets) || offsets.length !== 2) {
    throw new CheckpointError(`Tensor ${show(name)} has no valid data_offsets: ${show(offsets)}.`);
  }
  const [begin, end] = offsets as [number, number];
  const size = shape.reduce((product, length) => product * length, width);
  if (end - begin !== size) {
    throw new CheckpointError(
      `Tensor ${show(name)} of shape [${shape}] needs ${size} bytes; its offsets leave ${end - begin}.`,
    );
  }
  return { name, dtype: dtype as string, shape, begin, end };
}

/** Whether these are lengths or offsets. */
export function isCounts(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every((item) => Number.isSafeInteger(item) && item >= 0);
}
