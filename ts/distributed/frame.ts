// One message: a fixed description, then a chunk of a record's bytes. Everything is checked before memory is touched.
//
//    0  u32  magic and version            40  f64  bytes of the whole record
//    4  u8   kind, and three zeros        48  f64  unit
//    8  16B  attempt                      56  f64, u64, 16B, u32  the position of the base
//   24  u32  chunk                        92  u32  room
//   28  u32  chunks                       96  u32  0
//   32  u32  bytes of all but the last   100  u32  CRC-32 of the layout
//   36  u32  XXH32 from byte 40 on       104  f64  loss scale
//  112  the chunk

import { fromHex, toHex } from "./host.js";
import { xxHash32 } from "./xxhash32.js";

/**
 * Names one stored message for ever: its sequence, the server's time in nanoseconds, the attempt and the chunk. A server gives a
 * sequence again only after it lost everything from there on, and an attempt is published once; so a log that has the message at
 * a position has before it what it had when the position was read, or has purged it.
 */
export type Position = string;

export const KINDS = ["gradients", "values", "checkpoint", "announcement", "ticket"] as const;
export type Kind = (typeof KINDS)[number];

/** What all chunks of a record say. */
export interface Description {
  readonly kind: Kind;
  /** 32 hexadecimal digits. Chunks of different attempts are never put together. */
  readonly attempt: string;
  readonly unit: number;
  /** Where the values or the loss scale last changed; `""` for what belongs to no base. */
  readonly base: Position;
  /** How many units from `unit` on have the same inputs; 0 when the run is over. */
  readonly room: number;
  readonly lossScale: number;
  /** CRC-32 of the variables' paths, shapes and types. */
  readonly layout: number;
  /** Bytes of the whole record. */
  readonly length: number;
}

export interface Frame extends Description {
  readonly chunk: number;
  readonly chunks: number;
  readonly chunkBytes: number;
  readonly checksum: number;
  /** The bytes from the description on, as they were received. */
  readonly described: Uint8Array;
  readonly data: Uint8Array;
}

const MAGIC = 0x31575352;
/** Where the part begins that is the same in all chunks, and that the checksum is of. */
const DESCRIBED = 40;
export const PREFIX = 112;
const NO_POSITION = "0:0:00000000000000000000000000000000:0";

export const sequenceOf = (position: Position): number => Number(position.slice(0, position.indexOf(":")));

/** A record to be filled in and sent: `data` are its bytes, in the buffer that is sent if one message holds them all. */
export class Draft {
  readonly data: Uint8Array<ArrayBuffer>;
  readonly #bytes: Uint8Array<ArrayBuffer>;
  readonly #description: Omit<Description, "length">;

  constructor(length: number, description: Partial<Description> & Pick<Description, "kind" | "attempt">) {
    this.#bytes = new Uint8Array(PREFIX + length);
    this.data = this.#bytes.subarray(PREFIX);
    this.#description = { unit: 0, base: "", room: 0, lossScale: 1, layout: 0, ...description };
  }

  /** The record as messages with at most `chunkBytes` bytes of it each. */
  frames(chunkBytes: number): Uint8Array<ArrayBuffer>[] {
    const { kind, attempt, unit, base, room, lossScale, layout } = this.#description;
    const [whole, length] = [this.#bytes, this.data.length];
    const chunks = Math.max(1, Math.ceil(length / chunkBytes));
    const view = new DataView(whole.buffer);
    view.setUint32(0, MAGIC, true);
    view.setUint8(4, KINDS.indexOf(kind));
    whole.set(fromHex(attempt), 8);
    view.setUint32(28, chunks, true);
    view.setUint32(32, chunkBytes, true);
    view.setFloat64(40, length, true);
    view.setFloat64(48, unit, true);
    const [sequence, time, of, chunk] = (base || NO_POSITION).split(":") as [string, string, string, string];
    view.setFloat64(56, Number(sequence), true);
    view.setBigUint64(64, BigInt(time), true);
    whole.set(fromHex(of), 72);
    view.setUint32(88, Number(chunk), true);
    view.setUint32(92, room, true);
    view.setFloat64(104, lossScale, true);
    view.setUint32(100, layout, true);
    view.setUint32(36, xxHash32(whole.subarray(DESCRIBED)), true);
    if (chunks === 1) return [whole];
    return Array.from({ length: chunks }, (_, i) => {
      const data = this.data.subarray(i * chunkBytes, (i + 1) * chunkBytes);
      const frame = new Uint8Array(PREFIX + data.length);
      frame.set(whole.subarray(0, PREFIX));
      new DataView(frame.buffer).setUint32(24, i, true);
      frame.set(data, PREFIX);
      return frame;
    });
  }
}

/** What a message says, or `undefined` if no honest writer made it, or its record would have more bytes than `maximumLength`. */
export function readFrame(bytes: Uint8Array, maximumLength: number): Frame | undefined {
  if (bytes.length < PREFIX) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const word = (at: number) => view.getUint32(at, true);
  const number = (at: number) => view.getFloat64(at, true);
  const kind = KINDS[view.getUint8(4)];
  const [chunk, chunks, chunkBytes] = [word(24), word(28), word(32)];
  const [length, unit, sequence] = [number(40), number(48), number(56)];
  if (word(0) !== MAGIC || kind === undefined || word(4) >>> 8 !== 0 || word(96) !== 0) return undefined;
  for (const count of [length, unit, sequence]) if (!Number.isSafeInteger(count) || count < 0) return undefined;
  if (length > maximumLength || chunkBytes === 0 || chunk >= chunks) return undefined;
  if (chunks !== Math.max(1, Math.ceil(length / chunkBytes))) return undefined;
  if (bytes.length - PREFIX !== Math.min(chunkBytes, length - chunk * chunkBytes)) return undefined;
  const base = `${sequence}:${view.getBigUint64(64, true)}:${toHex(bytes.subarray(72, 88))}:${word(88)}`;
  return {
    kind,
    attempt: toHex(bytes.subarray(8, 24)),
    chunk,
    chunks,
    chunkBytes,
    checksum: word(36),
    length,
    unit,
    base: base === NO_POSITION ? "" : base,
    room: word(92),
    lossScale: number(104),
    layout: word(100),
    described: bytes.subarray(DESCRIBED, PREFIX),
    data: bytes.subarray(PREFIX),
  };
}

/** The position of a stored message; `""` if it is no frame, which is no position. */
export function positionOf(
  { sequence, time, bytes }: { sequence: number; time: string; bytes: Uint8Array },
  frame: Frame | undefined = readFrame(bytes, Number.MAX_SAFE_INTEGER),
): Position {
  return frame ? `${sequence}:${time}:${frame.attempt}:${frame.chunk}` : "";
}

/** A record that is whole: its description, and its bytes, aligned for numbers of 4 bytes. */
export type Whole = Frame & { readonly bytes: Uint8Array<ArrayBuffer> };

interface Open {
  readonly first: Frame;
  readonly buffer: Uint8Array<ArrayBuffer>;
  readonly seen: Uint8Array;
  missing: number;
}

/**
 * Puts records together from chunks, which may come twice. A record is whole when every chunk was seen and its checksum is right;
 * a count of messages would take a chunk seen twice for one that is missing. Of too many open attempts the oldest is given up:
 * what is given up follows from the messages alone, so all replicas give up the same.
 */
export class Assembly {
  readonly #open = new Map<string, Open>();
  readonly #maximumOpen: number;

  constructor(maximumOpen: number) {
    this.#maximumOpen = maximumOpen;
  }

  clear(): void {
    this.#open.clear();
  }

  /** The record, if this chunk makes it whole. */
  add(frame: Frame): Whole | undefined {
    const offset = PREFIX - DESCRIBED;
    let open = this.#open.get(frame.attempt);
    if (!open) {
      const buffer = new Uint8Array(offset + frame.length);
      buffer.set(frame.described);
      // Not the message itself, which would keep a whole network buffer alive.
      const first = { ...frame, described: buffer.subarray(0, offset), data: buffer.subarray(0, 0) };
      open = { first, buffer, seen: new Uint8Array(frame.chunks), missing: frame.chunks };
      if (this.#open.size >= this.#maximumOpen) this.#open.delete(this.#open.keys().next().value as string);
      this.#open.set(frame.attempt, open);
    }
    const { first, buffer, seen } = open;
    if (frame.checksum !== first.checksum || frame.chunkBytes !== first.chunkBytes || frame.kind !== first.kind)
      return undefined;
    if (frame.described.some((byte, i) => byte !== first.described[i]) || seen[frame.chunk]) return undefined;
    buffer.set(frame.data, offset + frame.chunk * frame.chunkBytes);
    seen[frame.chunk] = 1;
    open.missing -= 1;
    if (open.missing > 0) return undefined;
    this.#open.delete(frame.attempt);
    return xxHash32(buffer) === first.checksum ? { ...first, bytes: buffer.subarray(offset) } : undefined;
  }
}
