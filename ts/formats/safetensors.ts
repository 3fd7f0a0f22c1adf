// The safetensors format (https://huggingface.co/docs/safetensors), written so that data begin at a multiple of 16 bytes,
// and read strictly: what no honest writer makes is an error that says where.
//
//   8 bytes   length of the header, little-endian
//   header    JSON { name: { dtype, shape, data_offsets: [begin, end] }, "__metadata__": { text: text } }, padded with spaces
//   data      the tensors, little-endian, without gaps

import { CheckpointError } from "../support/errors.js";
import { show } from "../support/messages.js";
import { allocated } from "./bytes.js";
import { parseHeader, repeated, type StoredTensor } from "./safetensors-header.js";
import { dtypeOf, type Values, valueWriter } from "./typed-values.js";
import { decodeUtf8, encodeUtf8 } from "./utf8.js";

/** An array to be written. */
export interface Tensor {
  readonly shape: readonly number[];
  readonly values: Values;
}

export type { StoredTensor };

/** What is written into a file. */
export interface Content {
  readonly metadata: Readonly<Record<string, string>>;
  readonly tensors: ReadonlyMap<string, Tensor>;
}

/** What a file says. */
export class File {
  readonly metadata: ReadonlyMap<string, string>;
  /** In the order of their bytes. */
  readonly list: readonly StoredTensor[];
  #tensors: ReadonlyMap<string, StoredTensor> | undefined;

  constructor(metadata: ReadonlyMap<string, string>, list: readonly StoredTensor[]) {
    this.metadata = metadata;
    this.list = list;
  }

  /**
   * By their names. Made when it is first asked for: of a million tensors it takes half a second.
   *
   * @throws {CheckpointError} if a name is repeated.
   */
  get tensors(): ReadonlyMap<string, StoredTensor> {
    this.#tensors ??= new Map(this.list.map((tensor) => [tensor.name, tensor]));
    if (this.#tensors.size < this.list.length) throw repeated();
    return this.#tensors;
  }
}

/** The longest header that Python's library reads, in bytes. */
const MAXIMUM_HEADER = 100_000_000;
const ALIGNMENT = 16;
/** Texts of a header that are encoded at once. */
const GROUP = 1000;

/** The file's bytes. @throws {CheckpointError} if its header is longer than any that is read, or a text is no Unicode. */
export function write({ metadata, tensors }: Content): Uint8Array<ArrayBuffer> {
  const header = new HeaderBytes();
  header.add(`{"__metadata__":${JSON.stringify(metadata)}`);
  let end = 0;
  for (const [name, { shape, values }] of tensors) {
    const begin = end;
    end += values.byteLength;
    header.add(
      `,${JSON.stringify(name)}:{"dtype":"${dtypeOf(values)}","shape":[${shape}],"data_offsets":[${begin},${end}]}`,
    );
  }
  header.add("}");
  header.end();
  const start = Math.ceil((8 + header.length) / ALIGNMENT) * ALIGNMENT;
  if (start - 8 > MAXIMUM_HEADER) {
    throw new CheckpointError(
      `The arrays' names and shapes take ${start - 8} bytes; a file holds at most ${MAXIMUM_HEADER}.`,
    );
  }
  const bytes = allocated(start + end);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(start - 8), true);
  bytes.fill(0x20, 8, start);
  header.copyTo(bytes, 8);
  const writeValues = valueWriter(bytes);
  let at = start;
  for (const { values } of tensors.values()) {
    writeValues(values, at);
    at += values.byteLength;
  }
  return bytes;
}

/** The bytes of a header. A million short texts would be work for the garbage collector: they are encoded in groups. */
class HeaderBytes {
  length = 0;
  readonly #encoded: Uint8Array[] = [];
  #texts: string[] = [];

  add(text: string): void {
    if (this.#texts.push(text) >= GROUP) this.#encode();
  }

  end(): void {
    this.#encode();
  }

  copyTo(bytes: Uint8Array, begin: number): void {
    let at = begin;
    for (const part of this.#encoded) {
      bytes.set(part, at);
      at += part.length;
    }
  }

  #encode(): void {
    const part = encodeUtf8(this.#texts.join(""));
    this.#texts = [];
    this.#encoded.push(part);
    this.length += part.length;
  }
}

/** Where the data of a file begin. @throws {CheckpointError} if the file does not even have a header. */
export function dataStart(bytes: Uint8Array): number {
  if (bytes.length < 8) throw new CheckpointError(`A checkpoint has at least 8 bytes; received ${bytes.length}.`);
  const length = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);
  if (length > MAXIMUM_HEADER || length > bytes.length - 8) {
    if (isIndex(bytes)) {
      throw new CheckpointError(
        "The file is an index: it lists files, and holds no arrays. Give one of those it lists.",
      );
    }
    throw new CheckpointError(
      `The checkpoint is truncated or altered: its header has ${length} bytes, the file ${bytes.length}.`,
    );
  }
  return 8 + Number(length);
}

/** Whether it is a list of files, as Hugging Face (`.safetensors.index.json`) and Keras (`.weights.json`) write it. */
function isIndex(bytes: Uint8Array): boolean {
  return bytes[0] === 0x7b && String.fromCharCode(...bytes.subarray(0, 1000)).includes('"weight_map"');
}

/**
 * What the bytes of a file say. The tensors are views on the bytes, which must not change any more.
 *
 * @throws {CheckpointError} if the file is not one that a writer of safetensors makes.
 */
export function read(bytes: Uint8Array<ArrayBuffer>): File {
  const start = dataStart(bytes);
  const data = bytes.subarray(start);
  const { metadata, tensors } = parseHeader(headerText(bytes.subarray(8, start)), data);
  // Among tensors that begin at the same byte, those of no bytes come first.
  tensors.sort((a, b) => a.begin - b.begin || a.end - b.end);
  const size = data.length;
  let last = 0;
  for (const { name, begin, end } of tensors) {
    if (begin !== last || end > size) {
      throw new CheckpointError(
        `Tensor ${show(name)} is said to be at bytes ${begin} to ${end}; expected ${last} up to at most ${size}.`,
      );
    }
    last = end;
  }
  if (last !== size) throw new CheckpointError(`The checkpoint has ${size} bytes of data; its tensors have ${last}.`);
  return new File(metadata, tensors);
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

function headerText(bytes: Uint8Array): string {
  try {
    return decodeUtf8(bytes);
  } catch (cause) {
    throw new CheckpointError(`The checkpoint's header is not JSON: ${cause}`, { cause });
  }
}
