// The safetensors format (https://huggingface.co/docs/safetensors), written so that data begin at a multiple of 16 bytes,
// and read strictly: what is not exactly as it was written is an error that says where.
//
//   8 bytes   length of the header, little-endian
//   header    JSON { name: { dtype, shape, data_offsets: [begin, end] }, "__metadata__": { text: text } }, padded with spaces
//   data      the tensors, little-endian, without gaps

import { CheckpointError, show } from "../errors.js";
import { crc32 } from "./crc32.js";
import { decodeUtf8, encodeUtf8 } from "./utf8.js";

export interface Tensor {
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

export interface File {
  readonly metadata: Readonly<Record<string, string>>;
  readonly tensors: ReadonlyMap<string, Tensor>;
}

/** Longest header that is read: 100,000 tensors with ordinary names. A hostile one must not exhaust memory. */
const MAXIMUM_HEADER = 16_000_000;
const ALIGNMENT = 16;
/** The checksum is over the whole file with these digits in its place. */
const NO_CHECKSUM = "00000000";
const CHECKSUM_KEY = '"checksum":"';

const isLittleEndian = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1;

/** Numbers in the byte order of the file, or back. */
function swapped(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  if (isLittleEndian) return bytes;
  for (let i = 0; i < bytes.length; i += 4) bytes.subarray(i, i + 4).reverse();
  return bytes;
}

const metadataText = (metadata: File["metadata"]) => `"__metadata__":${JSON.stringify(metadata)}`;
const tensorKey = (name: string) => `${JSON.stringify(name)}:{"dtype":`;

/** The header's text; `metadata` includes the place of the checksum. */
function headerText({ metadata, tensors }: File): string {
  const parts = [metadataText(metadata)];
  let end = 0;
  for (const [name, { shape, values }] of tensors) {
    const begin = end;
    end += values.byteLength;
    parts.push(`${tensorKey(name)}"F32","shape":${JSON.stringify(shape)},"data_offsets":[${begin},${end}]}`);
  }
  return `{${parts.join(",")}}`;
}

/** The file's bytes. */
export function write({ metadata, tensors }: File): Uint8Array<ArrayBuffer> {
  const text = encodeUtf8(headerText({ metadata: { ...metadata, checksum: NO_CHECKSUM }, tensors }));
  let end = 0;
  for (const { values } of tensors.values()) end += values.byteLength;
  const start = Math.ceil((8 + text.length) / ALIGNMENT) * ALIGNMENT;
  const file = new Uint8Array(start + end);
  new DataView(file.buffer).setBigUint64(0, BigInt(start - 8), true);
  file.fill(0x20, 8, start);
  file.set(text, 8);
  let at = start;
  for (const { values } of tensors.values()) {
    file.set(swapped(new Uint8Array(values.slice().buffer)), at);
    at += values.byteLength;
  }
  file.set(encodeUtf8(crc32(file)), checksumPlace(file, start));
  return file;
}

/** Where the digits of the checksum are: after the first place where the header says so. */
function checksumPlace(file: Uint8Array, start: number): number {
  const key = encodeUtf8(CHECKSUM_KEY);
  for (let at = 8; at + key.length + 8 <= start; at++) {
    if (key.every((byte, i) => file[at + i] === byte)) return at + key.length;
  }
  throw new CheckpointError("The checkpoint's header has no checksum.");
}

/** What the bytes of a file say. @throws {CheckpointError} if they are not exactly what `write` has written. */
export function read(bytes: Uint8Array): File {
  if (bytes.length < 8) throw new CheckpointError(`A checkpoint has at least 8 bytes; received ${bytes.length}.`);
  // A copy: nobody changes it meanwhile, and its data are aligned.
  const file = Uint8Array.from(bytes);
  const length = new DataView(file.buffer).getBigUint64(0, true);
  if (length > MAXIMUM_HEADER || length > file.length - 8) {
    throw new CheckpointError(
      `The checkpoint is truncated or altered: its header has ${length} bytes, the file ${file.length}.`,
    );
  }
  const start = 8 + Number(length);
  const place = checksumPlace(file, start);
  const stored = String.fromCharCode(...file.subarray(place, place + 8));
  file.set(encodeUtf8(NO_CHECKSUM), place);
  const computed = crc32(file);
  if (stored !== computed) {
    throw new CheckpointError(
      `The checkpoint is truncated or altered: its checksum is ${show(stored)}, its bytes have ${computed}.`,
    );
  }
  if (start % ALIGNMENT !== 0)
    throw new CheckpointError(`The checkpoint's data begin at byte ${start}, not at a multiple of 16.`);

  const { text, header, names } = parseHeader(file.subarray(8, start));
  const metadata = checkedMetadata(header["__metadata__"]);
  const data = swapped(file.subarray(start));
  const tensors = new Map<string, Tensor>();
  let end = 0;
  for (const name of names) {
    const { shape, begin, end: next } = checkedEntry(name, header[name]);
    if (begin !== end || next > data.length) {
      throw new CheckpointError(
        `Tensor ${show(name)} is said to be at bytes ${begin} to ${next}; expected ${end} up to at most ${data.length}.`,
      );
    }
    tensors.set(name, { shape, values: new Float32Array(data.buffer, data.byteOffset + begin, (next - begin) / 4) });
    end = next;
  }
  if (end !== data.length)
    throw new CheckpointError(`The checkpoint has ${data.length} bytes of data; its tensors have ${end}.`);
  if (headerText({ metadata, tensors }) !== text) {
    throw new CheckpointError("The checkpoint's header is not as it was written: something is repeated, or not known.");
  }
  return { metadata, tensors };
}

interface Header {
  readonly text: string;
  readonly header: Readonly<Record<string, unknown>>;
  /** The tensors' names as the text has them: JSON.parse puts those that look like whole numbers first. */
  readonly names: readonly string[];
}

function parseHeader(bytes: Uint8Array): Header {
  try {
    const text = decodeUtf8(bytes).trimEnd();
    const header = JSON.parse(text) as unknown;
    if (typeof header === "object" && header !== null && !Array.isArray(header)) {
      const keys = text.matchAll(/"(?:[^"\\]|\\.)*"(?=:\{"dtype":)/g);
      const names = Array.from(keys, ([key]) => JSON.parse(key) as string);
      return { text, header: header as Record<string, unknown>, names };
    }
  } catch (cause) {
    throw new CheckpointError(`The checkpoint's header is not JSON: ${cause}`, { cause });
  }
  throw new CheckpointError("The checkpoint's header is not an object.");
}

function checkedMetadata(metadata: unknown): Record<string, string> {
  const entries = typeof metadata === "object" && metadata !== null ? Object.entries(metadata) : [];
  const wrong = entries.find(([, value]) => typeof value !== "string");
  if (entries.length === 0 || wrong) {
    throw new CheckpointError(
      `The checkpoint's metadata must be texts by name; received ${show(wrong?.[1] ?? metadata)}.`,
    );
  }
  return Object.fromEntries(entries);
}

function checkedEntry(name: string, entry: unknown): { shape: readonly number[]; begin: number; end: number } {
  const { dtype, shape, data_offsets: offsets } = (entry ?? {}) as Record<string, unknown>;
  if (dtype !== "F32") throw new CheckpointError(`Tensor ${show(name)} must have dtype F32; it has ${show(dtype)}.`);
  if (!isCounts(shape)) throw new CheckpointError(`Tensor ${show(name)} has no valid shape: ${show(shape)}.`);
  if (!isCounts(offsets) || offsets.length !== 2) {
    throw new CheckpointError(`Tensor ${show(name)} has no valid data_offsets: ${show(offsets)}.`);
  }
  const [begin, end] = offsets as [number, number];
  const size = shape.reduce((product, length) => product * length, 1);
  if (end - begin !== 4 * size) {
    throw new CheckpointError(
      `Tensor ${show(name)} of shape [${shape}] needs ${4 * size} bytes; its offsets leave ${end - begin}.`,
    );
  }
  return { shape, begin, end };
}

function isCounts(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every((item) => Number.isSafeInteger(item) && item >= 0);
}
