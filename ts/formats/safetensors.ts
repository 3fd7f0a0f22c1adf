// The safetensors format (https://huggingface.co/docs/safetensors), written so that data begin at a multiple of 16 bytes,
// and read strictly: what no honest writer makes is an error that says where.
//
//   8 bytes   length of the header, little-endian
//   header    JSON { name: { dtype, shape, data_offsets: [begin, end] }, "__metadata__": { text: text } }, padded with spaces
//   data      the tensors, little-endian, without gaps

import { CheckpointError } from "../support/errors.js";
import { show } from "../support/messages.js";
import { arrayKind } from "../support/typed-array.js";
import { littleEndian, swapped } from "./little-endian.js";
import { decodeUtf8, encodeUtf8 } from "./utf8.js";

/** The number types of an optimizer's state. */
const TYPES = { F32: Float32Array, I32: Int32Array } as const;
/** Bytes of a number of either. */
const WIDTH = 4;

export interface Tensor {
  readonly shape: readonly number[];
  readonly values: Float32Array | Int32Array;
}

export interface File {
  readonly metadata: Readonly<Record<string, string>>;
  readonly tensors: ReadonlyMap<string, Tensor>;
}

/** Longest header that is read: 100,000 tensors with ordinary names. A hostile one must not exhaust memory. */
const MAXIMUM_HEADER = 16_000_000;
const ALIGNMENT = 16;

/** The text of the header that `write` gives a file. */
export function headerText({ metadata, tensors }: File): string {
  const parts = [`"__metadata__":${JSON.stringify(metadata)}`];
  let end = 0;
  for (const [name, { shape, values }] of tensors) {
    const begin = end;
    end += values.byteLength;
    const dtype: keyof typeof TYPES = arrayKind(values) === "Float32Array" ? "F32" : "I32";
    const place = `"data_offsets":[${begin},${end}]`;
    parts.push(`${JSON.stringify(name)}:{"dtype":"${dtype}","shape":${JSON.stringify(shape)},${place}}`);
  }
  return `{${parts.join(",")}}`;
}

/** The file's bytes. */
export function write(file: File): Uint8Array<ArrayBuffer> {
  const text = encodeUtf8(headerText(file));
  const tensors = [...file.tensors.values()];
  const start = Math.ceil((8 + text.length) / ALIGNMENT) * ALIGNMENT;
  if (start - 8 > MAXIMUM_HEADER) {
    throw new CheckpointError(
      `The arrays' names and shapes take ${start - 8} bytes; a file holds at most ${MAXIMUM_HEADER}.`,
    );
  }
  const bytes = new Uint8Array(start + tensors.reduce((sum, { values }) => sum + values.byteLength, 0));
  new DataView(bytes.buffer).setBigUint64(0, BigInt(start - 8), true);
  bytes.fill(0x20, 8, start);
  bytes.set(text, 8);
  let at = start;
  for (const { values } of tensors) {
    bytes.set(littleEndian(values), at);
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

/** The text of the header, without the spaces behind it. */
export function readHeaderText(bytes: Uint8Array): string {
  try {
    return decodeUtf8(bytes.subarray(8, dataStart(bytes))).trimEnd();
  } catch (cause) {
    if (cause instanceof CheckpointError) throw cause;
    throw new CheckpointError(`The checkpoint's header is not JSON: ${cause}`, { cause });
  }
}

/**
 * What the bytes of a file say. The tensors can be views on the bytes, which must not change any more.
 *
 * @throws {CheckpointError} if the file is not one that a writer of safetensors makes.
 */
export function read(bytes: Uint8Array<ArrayBuffer>): File {
  const header = parseHeader(readHeaderText(bytes));
  const { __metadata__: about, ...entries } = header;
  const metadata = checkedMetadata(about);
  const data = bytes.subarray(dataStart(bytes));
  const places = Object.entries(entries).map(([name, entry]) => ({ name, ...checkedEntry(name, entry) }));
  // Among tensors that begin at the same byte, those of no bytes come first.
  places.sort((a, b) => a.begin - b.begin || a.end - b.end);
  const tensors = new Map<string, Tensor>();
  let last = 0;
  for (const { name, type, shape, begin, end } of places) {
    if (begin !== last || end > data.length) {
      throw new CheckpointError(
        `Tensor ${show(name)} is said to be at bytes ${begin} to ${end}; expected ${last} up to at most ${data.length}.`,
      );
    }
    const isAligned = (data.byteOffset + begin) % WIDTH === 0;
    const own = swapped(isAligned ? data.subarray(begin, end) : data.slice(begin, end));
    tensors.set(name, { shape, values: new type(own.buffer, own.byteOffset, own.length / WIDTH) });
    last = end;
  }
  if (last !== data.length)
    throw new CheckpointError(`The checkpoint has ${data.length} bytes of data; its tensors have ${last}.`);
  return { metadata, tensors };
}

function parseHeader(text: string): Record<string, unknown> {
  let header: unknown;
  let again: string;
  try {
    header = JSON.parse(text);
    // Of what is nested too deeply, engines throw a RangeError here.
    again = JSON.stringify(header);
  } catch (cause) {
    throw new CheckpointError(`The checkpoint's header is not JSON: ${cause}`, { cause });
  }
  if (typeof header !== "object" || header === null || Array.isArray(header))
    throw new CheckpointError("The checkpoint's header is not an object.");
  // JSON.parse keeps the last of two equal keys; written again, the text is shorter then.
  if (again.length !== text.length)
    throw new CheckpointError("The checkpoint's header is not as it was written: something is repeated, or not known.");
  return header as Record<string, unknown>;
}

function checkedMetadata(metadata: unknown = {}): Record<string, string> {
  const entries = typeof metadata === "object" && metadata !== null ? Object.entries(metadata) : undefined;
  const wrong = entries?.find(([, value]) => typeof value !== "string");
  if (!entries || wrong) {
    throw new CheckpointError(
      `The checkpoint's metadata must be texts by name; received ${show(wrong?.[1] ?? metadata)}.`,
    );
  }
  return Object.fromEntries(entries);
}

interface Place {
  readonly type: (typeof TYPES)[keyof typeof TYPES];
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

function checkedEntry(name: string, entry: unknown): Place {
  const { dtype, shape, data_offsets: offsets } = (entry ?? {}) as Record<string, unknown>;
  if (typeof dtype !== "string" || !Object.hasOwn(TYPES, dtype)) {
    const known = Object.keys(TYPES).join(" or ");
    throw new CheckpointError(`Tensor ${show(name)} must have dtype ${known}; it has ${show(dtype)}.`);
  }
  if (!isCounts(shape)) throw new CheckpointError(`Tensor ${show(name)} has no valid shape: ${show(shape)}.`);
  if (!isCounts(offsets) || offsets.length !== 2) {
    throw new CheckpointError(`Tensor ${show(name)} has no valid data_offsets: ${show(offsets)}.`);
  }
  const type = TYPES[dtype as keyof typeof TYPES];
  const [begin, end] = offsets as [number, number];
  const size = shape.reduce((product, length) => product * length, WIDTH);
  if (end - begin !== size) {
    throw new CheckpointError(
      `Tensor ${show(name)} of shape [${shape}] needs ${size} bytes; its offsets leave ${end - begin}.`,
    );
  }
  return { type, shape, begin, end };
}

function isCounts(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every((item) => Number.isSafeInteger(item) && item >= 0);
}
