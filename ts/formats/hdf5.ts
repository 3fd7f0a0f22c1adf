// HDF5, as far as h5py writes it for Keras (https://support.hdfgroup.org/documentation/hdf5/latest/_f_m_t3.html): groups,
// attributes, arrays in one piece or in chunks that are not compressed. A reader of our own, because the file's size bounds
// what it does: whatever the bytes say, it touches no more than a few times as many bytes as there are.

import { CheckpointError } from "../support/errors.js";
import { show } from "../support/messages.js";
import { sizeOf } from "../support/size-of.js";
import { Hdf5Bytes } from "./hdf5-bytes.js";
import { Dataset, type Datatype, type Layout } from "./hdf5-dataset.js";

/** Types of messages in the header of an object. */
const DATASPACE = 0x01;
const LINK_INFO = 0x02;
const DATATYPE = 0x03;
const LINK = 0x06;
const LAYOUT = 0x08;
const FILTERS = 0x0b;
const ATTRIBUTE = 0x0c;
const CONTINUATION = 0x10;
const SYMBOL_TABLE = 0x11;

/** Only groups that contain themselves have longer paths. */
const LONGEST_PATH = 10_000;

interface Message {
  readonly type: number;
  readonly at: number;
  readonly size: number;
}

/** Texts in the attributes of a group or an array. */
export interface Attributes {
  /** The text, or the texts, of an attribute; `undefined` if there is none of this name. */
  get(name: string): string | readonly string[] | undefined;
}

/** What is in a file. */
export interface Hdf5File {
  /** Attributes of the groups by their paths; that of the root is "". */
  readonly groups: ReadonlyMap<string, Attributes>;
  /** The arrays by their paths. */
  readonly datasets: ReadonlyMap<string, Dataset>;
}

/** @throws {CheckpointError} if the file is broken, or has what Keras does not write; it says what and where. */
export function readHdf5(bytes: Uint8Array<ArrayBuffer>): Hdf5File {
  return new Reader(new Hdf5Bytes(bytes)).read();
}

class Reader {
  readonly #bytes: Hdf5Bytes;
  readonly #groups = new Map<string, Attributes>();
  readonly #datasets = new Map<string, Dataset>();
  /** Bytes of the arrays found so far. */
  #data = 0;

  constructor(bytes: Hdf5Bytes) {
    this.#bytes = bytes;
  }

  read(): Hdf5File {
    this.#visit(this.#rootHeader(), "");
    return { groups: this.#groups, datasets: this.#datasets };
  }

  /** Where the header of the root group is. */
  #rootHeader(): number {
    const bytes = this.#bytes;
    const version = bytes.u8(8);
    const isOld = version < 2;
    if (version > 3) throw bytes.broken(`its superblock has version ${version}`);
    if (bytes.u8(isOld ? 13 : 9) !== 8 || bytes.u8(isOld ? 14 : 10) !== 8)
      throw bytes.broken("its offsets have not 8 bytes");
    const base = [24, 28, 12, 12][version] as number;
    if (bytes.offset(base) !== 0) throw bytes.broken("it does not begin at its first byte");
    return bytes.offset([64, 68, 36, 36][version] as number);
  }

  #visit(address: number, path: string): void {
    if (path.length > LONGEST_PATH)
      throw new CheckpointError(`Group ${show(path)} is in itself, or its name too long.`);
    const bytes = this.#bytes;
    bytes.charge(path.length);
    const messages = this.#messages(address);
    const find = (type: number) => messages.find((message) => message.type === type);
    const attributes = new HeaderAttributes(
      bytes,
      messages.filter(({ type }) => type === ATTRIBUTE),
    );
    const layout = find(LAYOUT);
    if (layout) {
      this.#addDataset(path, layout, find, attributes);
      return;
    }
    this.#groups.set(path, attributes);
    const visit = (name: string, target: number) => this.#visit(target, path === "" ? name : `${path}/${name}`);
    const table = find(SYMBOL_TABLE);
    if (table) this.#visitSymbols(bytes.offset(table.at), bytes.offset(table.at + 8), visit);
    for (const message of messages) if (message.type === LINK) this.#visitLink(message, visit);
    const info = find(LINK_INFO);
    if (info && bytes.address(info.at + (bytes.u8(info.at + 1) & 1 ? 10 : 2)) !== undefined) {
      throw new CheckpointError(`Group ${show(path)} keeps its links in a heap, which Keras does not do.`);
    }
  }

  /** The messages in the header of an object, of all its blocks. */
  #messages(address: number): Message[] {
    const bytes = this.#bytes;
    const isNew = bytes.has(address, "OHDR");
    const found: Message[] = [];
    const blocks: (readonly [at: number, size: number])[] = [];
    let [head, left] = [8, Number.POSITIVE_INFINITY];
    if (isNew) {
      const flags = bytes.u8(address + 5);
      const at = address + 6 + (flags & 0x20 ? 16 : 0) + (flags & 0x10 ? 4 : 0);
      const width = 1 << (flags & 3);
      blocks.push([at + width, bytes.unsigned(at, width)]);
      head = flags & 4 ? 6 : 4;
    } else {
      if (bytes.u8(address) !== 1) throw bytes.broken(`there is no object at byte ${address}`);
      left = bytes.u16(address + 2);
      blocks.push([address + 16, bytes.u32(address + 8)]);
    }
    for (const [begin, length] of blocks) {
      bytes.charge(length);
      bytes.check(begin, length);
      for (let at = begin; left > 0 && at + head <= begin + length; left--) {
        const type = isNew ? bytes.u8(at) : bytes.u16(at);
        const size = bytes.u16(at + (isNew ? 1 : 2));
        const flags = bytes.u8(at + (isNew ? 3 : 4));
        const data = at + head;
        at = data + size;
        if (at > begin + length) throw bytes.broken(`a message at byte ${data} is too long`);
        if (type === CONTINUATION) {
          const [next, extent] = [bytes.offset(data), bytes.offset(data + 8)];
          // New blocks have a signature in front of the messages and a checksum behind.
          if (isNew && (extent < 8 || !bytes.has(next, "OCHK"))) throw bytes.broken(`no block at byte ${next}`);
          blocks.push(isNew ? [next + 4, extent - 8] : [next, extent]);
        } else if (flags & 2 && [DATASPACE, DATATYPE, LAYOUT].includes(type)) {
          throw bytes.broken(`a message at byte ${data} is shared`);
        } else found.push({ type, at: data, size });
      }
    }
    return found;
  }

  /** The members of a group with a B-tree of names. */
  #visitSymbols(tree: number, heap: number, visit: (name: string, target: number) => void): void {
    const bytes = this.#bytes;
    if (!bytes.has(heap, "HEAP")) throw bytes.broken(`no heap at byte ${heap}`);
    const names = bytes.offset(heap + 24);
    const end = names + bytes.offset(heap + 8);
    bytes.check(names, end - names);
    const charge = (size: number) => bytes.charge(size);
    bytes.walkTree(tree, 0, 8, charge, (node) => {
      if (!bytes.has(node, "SNOD")) throw bytes.broken(`no symbols at byte ${node}`);
      const count = bytes.u16(node + 6);
      bytes.charge(8 + count * 40);
      for (let i = 0; i < count; i++) {
        const entry = node + 8 + i * 40;
        const target = bytes.address(entry + 8);
        // A symbolic link has none.
        if (target !== undefined && bytes.u32(entry + 16) !== 2)
          visit(bytes.text(names + bytes.offset(entry), end), target);
      }
    });
  }

  #visitLink({ at }: Message, visit: (name: string, target: number) => void): void {
    const bytes = this.#bytes;
    const flags = bytes.u8(at + 1);
    let next = at + 2;
    const type = flags & 8 ? bytes.u8(next++) : 0;
    next += (flags & 4 ? 8 : 0) + (flags & 16 ? 1 : 0);
    const width = 1 << (flags & 3);
    const length = bytes.unsigned(next, width);
    next += width;
    // Others lead to names, or out of the file.
    if (type === 0) visit(bytes.fixedText(next, length), bytes.offset(next + length));
  }

  #addDataset(
    path: string,
    layout: Message,
    find: (type: number) => Message | undefined,
    attributes: Attributes,
  ): void {
    const bytes = this.#bytes;
    const [space, type, filters] = [find(DATASPACE), find(DATATYPE), find(FILTERS)];
    if (!space || !type) throw new CheckpointError(`Array ${show(path)} has no shape or no type.`);
    const shape = readShape(bytes, space.at);
    let datatype = readDatatype(bytes, type.at);
    // HDF5 has no bfloat16: h5py stores opaque bytes, and Keras writes the type into an attribute.
    if (attributes.get("dtype") === "bfloat16" && datatype.size === 2) datatype = { name: "bfloat16", size: 2 };
    const size = sizeOf(shape) * datatype.size;
    this.#data += size;
    if (!(size <= bytes.length))
      throw new CheckpointError(`Array ${show(path)} of shape [${shape}] is larger than the file.`);
    if (this.#data > bytes.length)
      throw new CheckpointError(`Array ${show(path)} is linked more than once, or overlaps others.`);
    const isFiltered = filters !== undefined && bytes.u8(filters.at + 1) > 0;
    this.#datasets.set(
      path,
      new Dataset(bytes, path, shape, datatype, isFiltered ? "compressed" : readLayout(bytes, layout.at)),
    );
  }
}

/** The lengths in a dataspace message. */
function readShape(bytes: Hdf5Bytes, at: number): number[] {
  const version = bytes.u8(at);
  const dimensions = bytes.u8(at + 1);
  const begin = at + (version === 1 ? 8 : 4);
  // A dataspace of nothing.
  if (version === 2 && bytes.u8(at + 3) === 2) return [0];
  return Array.from({ length: dimensions }, (_, i) => bytes.offset(begin + 8 * i, Number.MAX_SAFE_INTEGER));
}

/** What a datatype message says, by NumPy's names. */
function readDatatype(bytes: Hdf5Bytes, at: number): Datatype {
  const kind = bytes.u8(at) & 0xf;
  const flags = bytes.u8(at + 1);
  const size = bytes.u32(at + 4);
  const bits = 8 * size;
  if (kind <= 1 && flags & 1) return { name: `big-endian ${kind ? "float" : "int"}${bits}`, size };
  if (kind === 0) return { name: `${flags & 8 ? "int" : "uint"}${bits}`, size };
  if (kind === 1) return { name: size === 2 && bytes.u8(at + 13) === 8 ? "bfloat16" : `float${bits}`, size };
  if (kind === 3) return { name: "bytes", size };
  // h5py knows no bfloat16, and writes Keras' as opaque numbers of two bytes; of Keras' types only that one ends so.
  if (kind === 5 && size === 2) return { name: "bfloat16", size };
  if (kind === 9 && (flags & 0xf) === 1) return { name: "text", size };
  return {
    name: ["", "", "time", "", "bits", "opaque", "compound", "reference", "enum", "list", "array"][kind] ?? "",
    size,
  };
}

/** Where an array's bytes are. */
function readLayout(bytes: Hdf5Bytes, at: number): Layout {
  const version = bytes.u8(at);
  const kind = bytes.u8(at + 1);
  if (version < 3 || version > 4) throw bytes.broken(`an array has a layout of version ${version}`);
  if (kind === 0) return { at: at + 4, size: bytes.u16(at + 2) };
  if (kind === 1) return { at: bytes.address(at + 2), size: bytes.offset(at + 10) };
  if (kind !== 2 || version === 4) throw bytes.broken("an array has a layout that Keras does not write");
  const rank = bytes.u8(at + 2) - 1;
  return {
    tree: bytes.address(at + 3),
    chunk: Array.from({ length: Math.max(rank, 0) }, (_, i) => bytes.u32(at + 11 + 4 * i)),
  };
}

/** The attributes of an object: their texts are read when they are asked for. */
class HeaderAttributes implements Attributes {
  readonly #bytes: Hdf5Bytes;
  readonly #messages: readonly Message[];
  /** What was read before: reading takes bytes from the file's budget. */
  readonly #found = new Map<string, string | readonly string[] | undefined>();

  constructor(bytes: Hdf5Bytes, messages: readonly Message[]) {
    this.#bytes = bytes;
    this.#messages = messages;
  }

  get(name: string): string | readonly string[] | undefined {
    if (!this.#found.has(name)) this.#found.set(name, this.#find(name));
    return this.#found.get(name);
  }

  #find(name: string): string | readonly string[] | undefined {
    for (const message of this.#messages) {
      const found = this.#read(message, name);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  #read({ at, size }: Message, wanted: string): string | readonly string[] | undefined {
    const bytes = this.#bytes;
    const version = bytes.u8(at);
    // Only the first version pads its parts.
    const padded = (length: number) => (version === 1 ? Math.ceil(length / 8) * 8 : length);
    const [nameSize, typeSize, spaceSize] = [bytes.u16(at + 2), bytes.u16(at + 4), bytes.u16(at + 6)];
    const name = at + (version === 3 ? 9 : 8);
    bytes.charge(nameSize);
    if (bytes.text(name, name + nameSize) !== wanted) return undefined;
    const type = name + padded(nameSize);
    const space = type + padded(typeSize);
    const data = space + padded(spaceSize);
    const datatype = readDatatype(bytes, type);
    const shape = readShape(bytes, space);
    const count = sizeOf(shape);
    // Strings of 0 bytes count as 1: otherwise a few bytes could announce any number of them.
    if (!(count * Math.max(datatype.size, 1) <= at + size - data))
      throw bytes.broken(`attribute ${show(wanted)} is too long`);
    const text = (i: number) => {
      const element = data + i * datatype.size;
      if (datatype.name === "bytes") return bytes.text(element, element + datatype.size);
      return datatype.name === "text" ? bytes.heapText(element) : "";
    };
    return shape.length === 0 ? text(0) : Array.from({ length: count }, (_, i) => text(i));
  }
}
