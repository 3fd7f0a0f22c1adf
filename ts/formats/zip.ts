// ZIP archives whose members are stored as they are: what `.keras` and `.npz` files are. Read by the central directory, with
// every checksum; written without dates, so that the same members are the same bytes.

import { CheckpointError } from "../support/errors.js";
import { show } from "../support/messages.js";
import { crc32 } from "./crc32.js";
import { decodeUtf8, encodeUtf8 } from "./utf8.js";

const LOCAL = { signature: 0x04034b50, size: 30 } as const;
const CENTRAL = { signature: 0x02014b50, size: 46 } as const;
const END = { signature: 0x06054b50, size: 22 } as const;
/** The longest comment behind the end record. */
const LONGEST_COMMENT = 0xffff;
const STORED = 0;
const ENCRYPTED = 1;
/** 1980-01-01, the first day that the format knows. */
const DATE = 0x21;
const VERSION = 20;
/** Names are in UTF-8. */
const UTF8 = 0x800;

const viewOf = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
const broken = (what: string) => new CheckpointError(`The archive is truncated or altered: ${what}.`);

/** Whether the file begins as an archive does. */
export function looksLikeZip(bytes: Uint8Array): boolean {
  return bytes.length >= END.size && viewOf(bytes).getUint32(0, true) === LOCAL.signature;
}

/**
 * The members of an archive by their names: views on its bytes.
 *
 * @throws {CheckpointError} if the archive is broken, or a member is compressed or encrypted.
 */
export function readZip(bytes: Uint8Array): Map<string, Uint8Array> {
  const view = viewOf(bytes);
  /** The offset of a record, if it is whole and is one. */
  const checked = (at: number, { signature, size }: { signature: number; size: number }) => {
    if (at + size > bytes.length || view.getUint32(at, true) !== signature) throw broken(`no record at byte ${at}`);
    return at;
  };
  const end = findEnd(bytes);
  const count = view.getUint16(end + 10, true);
  const members = new Map<string, Uint8Array>();
  let at = view.getUint32(end + 16, true);
  // With members that overlap, a small file could take hours.
  let total = 0;
  for (let i = 0; i < count; i++) {
    checked(at, CENTRAL);
    const nameEnd = at + CENTRAL.size + view.getUint16(at + 28, true);
    const name = nameOf(bytes.subarray(at + CENTRAL.size, nameEnd));
    const [checksum, size] = [view.getUint32(at + 16, true), view.getUint32(at + 24, true)];
    if (view.getUint16(at + 8, true) & ENCRYPTED) throw new CheckpointError(`Member ${show(name)} is encrypted.`);
    if (view.getUint16(at + 10, true) !== STORED || view.getUint32(at + 20, true) !== size) {
      throw new CheckpointError(
        `Member ${show(name)} of the archive is compressed; Keras stores it as it is. Save the model with Keras again.`,
      );
    }
    const local = checked(view.getUint32(at + 42, true), LOCAL);
    const begin = local + LOCAL.size + view.getUint16(local + 26, true) + view.getUint16(local + 28, true);
    if (begin + size > bytes.length) throw broken(`member ${show(name)} ends behind its end`);
    total += size;
    if (total > bytes.length) throw broken("members overlap");
    const content = bytes.subarray(begin, begin + size);
    if (crc32(content) !== checksum) throw broken(`member ${show(name)} has another checksum`);
    if (members.has(name)) throw broken(`it has two members ${show(name)}`);
    members.set(name, content);
    at = nameEnd + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
  }
  return members;
}

function findEnd(bytes: Uint8Array): number {
  const view = viewOf(bytes);
  const last = bytes.length - END.size;
  for (let at = last; at >= Math.max(0, last - LONGEST_COMMENT); at--) {
    if (view.getUint32(at, true) === END.signature) return at;
  }
  throw broken("it has no end");
}

function nameOf(bytes: Uint8Array): string {
  try {
    return decodeUtf8(bytes);
  } catch {
    throw broken("the name of a member is not UTF-8");
  }
}

/**
 * An archive of these members.
 *
 * @throws {RangeError} for more than the format can hold: 65,535 members or 4 GiB.
 */
export function writeZip(members: ReadonlyMap<string, Uint8Array>): Uint8Array<ArrayBuffer> {
  const all = Array.from(members, ([name, content]) => ({ name: encodeUtf8(name), content, checksum: crc32(content) }));
  const start = all.reduce((sum, { name, content }) => sum + LOCAL.size + name.length + content.length, 0);
  const length = all.reduce((sum, { name }) => sum + CENTRAL.size + name.length, start + END.size);
  if (all.length > 0xffff || length > 0xffffffff) {
    throw new RangeError(
      `An archive holds at most 65535 arrays and 4 GiB; these are ${all.length} and ${length} bytes.`,
    );
  }
  const bytes = new Uint8Array(length);
  const view = viewOf(bytes);
  let [local, central] = [0, start];
  for (const { name, content, checksum } of all) {
    // The fields that both records have, one after the other.
    const fields = (at: number) => {
      view.setUint16(at, VERSION, true);
      view.setUint16(at + 2, UTF8, true);
      view.setUint16(at + 4, STORED, true);
      view.setUint16(at + 8, DATE, true);
      view.setUint32(at + 10, checksum, true);
      view.setUint32(at + 14, content.length, true);
      view.setUint32(at + 18, content.length, true);
      view.setUint16(at + 22, name.length, true);
    };
    view.setUint32(central, CENTRAL.signature, true);
    view.setUint16(central + 4, VERSION, true);
    fields(central + 6);
    view.setUint32(central + 42, local, true);
    bytes.set(name, central + CENTRAL.size);
    central += CENTRAL.size + name.length;

    view.setUint32(local, LOCAL.signature, true);
    fields(local + 4);
    bytes.set(name, local + LOCAL.size);
    bytes.set(content, local + LOCAL.size + name.length);
    local += LOCAL.size + name.length + content.length;
  }
  view.setUint32(central, END.signature, true);
  view.setUint16(central + 8, all.length, true);
  view.setUint16(central + 10, all.length, true);
  view.setUint32(central + 12, central - start, true);
  view.setUint32(central + 16, start, true);
  return bytes;
}
