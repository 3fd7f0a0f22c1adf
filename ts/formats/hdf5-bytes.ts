// The bytes of an HDF5 file, every access checked, and what is common to its structures: addresses, texts, B-trees, heaps.

import { CheckpointError } from "../support/errors.js";
import { decodeUtf8 } from "./utf8.js";

const SIGNATURE = [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a];

/** Whether a file begins as HDF5 does. */
export const looksLikeHdf5 = (bytes: Uint8Array): boolean => SIGNATURE.every((byte, i) => bytes[i] === byte);

/** The budget of bytes to read: a multiple of the file's size, and what the smallest file needs. */
const [TIMES, LEAST] = [8, 65_536] as const;

export class Hdf5Bytes {
  readonly all: Uint8Array<ArrayBuffer>;
  readonly length: number;
  readonly #view: DataView;
  #budget: number;
  /** Objects of global heaps: by the heap's address and the object's number, where they are. */
  readonly #heaps = new Map<number, ReadonlyMap<number, readonly [at: number, size: number]>>();

  constructor(bytes: Uint8Array<ArrayBuffer>) {
    this.all = bytes;
    this.length = bytes.length;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#budget = TIMES * bytes.length + LEAST;
  }

  broken(what: string): CheckpointError {
    return new CheckpointError(`The HDF5 file is truncated or altered, or Keras did not write it: ${what}.`);
  }

  /** Takes bytes from the budget: without one, structures that lead to each other would keep a reader busy for ever. */
  charge(size: number): void {
    this.#budget -= size + 8;
    if (this.#budget < 0) throw new CheckpointError("The HDF5 file's groups are linked more than once.");
  }

  check(at: number, size: number): void {
    if (!(at >= 0 && size >= 0 && at + size <= this.length)) throw this.broken(`byte ${at + size} is behind its end`);
  }

  u8(at: number): number {
    this.check(at, 1);
    return this.#view.getUint8(at);
  }

  u16(at: number): number {
    this.check(at, 2);
    return this.#view.getUint16(at, true);
  }

  u32(at: number): number {
    this.check(at, 4);
    return this.#view.getUint32(at, true);
  }

  /** An integer of 1, 2, 4 or 8 bytes. */
  unsigned(at: number, width: number): number {
    return width === 1 ? this.u8(at) : width === 2 ? this.u16(at) : width === 4 ? this.u32(at) : this.offset(at);
  }

  /** An integer of 8 bytes that is at most the file's length, or another limit. */
  offset(at: number, limit: number = this.length): number {
    const value = this.u32(at) + this.u32(at + 4) * 2 ** 32;
    if (value > limit) throw this.broken(`${value} at byte ${at} is more than there is`);
    return value;
  }

  /** The same; `undefined` for HDF5's undefined address. */
  address(at: number): number | undefined {
    return this.u32(at) === 0xffffffff && this.u32(at + 4) === 0xffffffff ? undefined : this.offset(at);
  }

  /** Whether a structure begins with these four letters. */
  has(at: number, signature: string): boolean {
    this.check(at, 4);
    return [...signature].every((letter, i) => this.all[at + i] === letter.charCodeAt(0));
  }

  /** The text that begins here and ends with a zero, or at `end`. */
  text(at: number, end: number): string {
    this.check(at, end - at);
    const zero = this.all.subarray(at, end).indexOf(0);
    return this.fixedText(at, zero < 0 ? end - at : zero);
  }

  fixedText(at: number, length: number): string {
    this.check(at, length);
    this.charge(length);
    try {
      return decodeUtf8(this.all.subarray(at, at + length));
    } catch (cause) {
      throw this.broken(`the text at byte ${at} is not UTF-8 (${cause})`);
    }
  }

  /** The text that a reference here leads to, in a global heap. */
  heapText(at: number): string {
    const length = this.u32(at);
    if (length === 0) return "";
    const address = this.offset(at + 4);
    const heap = this.#heaps.get(address) ?? this.#readHeap(address);
    const [begin, size] = heap.get(this.u32(at + 12)) ?? [0, -1];
    if (length > size) throw this.broken(`no text at byte ${address}`);
    return this.fixedText(begin, length);
  }

  #readHeap(address: number): ReadonlyMap<number, readonly [at: number, size: number]> {
    if (!this.has(address, "GCOL")) throw this.broken(`no heap at byte ${address}`);
    const size = this.offset(address + 8);
    this.charge(size);
    const end = address + size;
    this.check(address, size);
    const objects = new Map<number, readonly [at: number, size: number]>();
    for (let at = address + 16; at + 16 <= end; ) {
      const [index, length] = [this.u16(at), this.offset(at + 8)];
      // The rest is free.
      if (index === 0) break;
      objects.set(index, [at + 16, length]);
      at += 16 + Math.ceil(length / 8) * 8;
    }
    this.#heaps.set(address, objects);
    return objects;
  }

  /**
   * Visits the leaves of a B-tree of this kind, whose keys have this size: their addresses, and where their keys are.
   *
   * @param charge is told the size of each node.
   */
  walkTree(
    address: number,
    kind: number,
    keySize: number,
    charge: (size: number) => void,
    visit: (leaf: number, key: number) => void,
  ): void {
    if (!this.has(address, "TREE") || this.u8(address + 4) !== kind) throw this.broken(`no tree at byte ${address}`);
    const level = this.u8(address + 5);
    const count = this.u16(address + 6);
    charge(24 + count * (keySize + 8));
    for (let i = 0; i < count; i++) {
      const key = address + 24 + i * (keySize + 8);
      const child = this.offset(key + keySize);
      if (level === 0) visit(child, key);
      else {
        if (this.u8(child + 5) !== level - 1) throw this.broken(`a tree at byte ${child} is in itself`);
        this.walkTree(child, kind, keySize, charge, visit);
      }
    }
  }
}
