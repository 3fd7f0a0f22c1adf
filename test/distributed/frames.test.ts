// Frames: what is written is read; what was changed is not, or is another record; and no bytes whatever make a replica or a worker
// throw, allocate more than it said, or count.
import * as fc from "fast-check";
import { save } from "rmsprop-wasm/checkpoint";
import { memoryLog, replicate, work } from "rmsprop-wasm/distributed";
import { expect, it } from "vitest";
import { Assembly, Draft, type Frame, PREFIX, readFrame } from "../../ts/distributed/frame.js";
import { layoutOf } from "../../ts/distributed/layout.js";
import { xxHash32 } from "../../ts/distributed/xxhash32.js";
import { useOwnClock } from "./clock.js";
import { compute, drained, everything, make, OneProcess, stateOf } from "./support.js";

const hex = fc.array(fc.nat(255), { minLength: 16, maxLength: 16 }).map((bytes) => Buffer.from(bytes).toString("hex"));
const position = fc
  .tuple(
    fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
    fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
    hex,
    fc.nat(2 ** 31),
  )
  .map((parts) => parts.join(":"));
const description = fc.record({
  kind: fc.constantFrom("gradients", "values", "checkpoint", "announcement", "ticket"),
  attempt: hex,
  unit: fc.maxSafeNat(),
  base: fc.oneof(fc.constant(""), position),
  room: fc.nat(2 ** 31),
  lossScale: fc.double({ noNaN: true }),
  layout: fc.nat(2 ** 31),
});
const payload = fc.uint8Array({ maxLength: 300 });
const chunkBytes = fc.integer({ min: 1, max: 400 });

function framesOf(about: ConstructorParameters<typeof Draft>[1], data: Uint8Array, chunk: number) {
  const draft = new Draft(data.length, about);
  draft.data.set(data);
  return draft.frames(chunk);
}

it("what is written is read, whatever the order, and whatever comes twice", () => {
  fc.assert(
    fc.property(description, payload, chunkBytes, fc.infiniteStream(fc.nat()), (about, data, chunk, draws) => {
      const frames = framesOf(about as never, data, chunk);
      const order = frames.flatMap((frame) => [frame, frame]).sort(() => (draws.next().value! % 3) - 1);
      const assembly = new Assembly(2);
      const whole = order.map((frame) => assembly.add(readFrame(frame, 300) as Frame)).filter(Boolean);
      expect(whole.length).toBeGreaterThan(0);
      expect(whole[0]).toMatchObject({ ...about, length: data.length });
      expect(Buffer.from(whole[0]!.bytes)).toEqual(Buffer.from(data));
    }),
  );
});

it("a bit that flips is seen", () => {
  fc.assert(
    fc.property(description, payload, chunkBytes, fc.nat(), fc.nat(7), (about, data, chunk, at, bit) => {
      const frames = framesOf(about as never, data, chunk).map((frame) => frame.slice());
      const victim = frames[at % frames.length]!;
      const byte = (at >> 3) % victim.length;
      victim[byte]! ^= 1 << bit;
      const assembly = new Assembly(2);
      for (const bytes of frames) {
        const frame = readFrame(bytes, 300);
        const whole = frame && assembly.add(frame);
        // Kind and attempt name the record, and are not of it; how long chunks are, one chunk need not know.
        if (!whole) continue;
        expect(byte < 24 || (byte >= 32 && byte < 36)).toBe(true);
        expect(Buffer.from(whole.bytes)).toEqual(Buffer.from(data));
      }
    }),
  );
});

it("any bytes are a frame or none, and never one that is longer than allowed", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), description, payload, fc.nat(PREFIX), (noise, about, data, at) => {
      for (const bytes of [noise, ...framesOf(about as never, data, 64).map((frame) => frame.slice())]) {
        bytes.set(noise.subarray(0, Math.max(0, bytes.length - at)), Math.min(at, bytes.length));
        const frame = readFrame(bytes, 200);
        if (!frame) continue;
        expect(frame.length).toBeLessThanOrEqual(200);
        expect(frame.chunk).toBeLessThan(frame.chunks);
        new Assembly(1).add(frame);
        layoutOf(frame.data.slice());
      }
    }),
    { numRuns: 1000 },
  );
});

it("attempts without end take no more memory than a few", () => {
  const assembly = new Assembly(3);
  for (let k = 0; k < 1000; k++) {
    const attempt = k.toString(16).padStart(32, "0");
    const [first] = framesOf({ kind: "gradients", attempt }, new Uint8Array(200), 100);
    expect(assembly.add(readFrame(first!, 200)!)).toBeUndefined();
  }
  // Only the last three are remembered.
  const second = (k: number) =>
    readFrame(
      framesOf({ kind: "gradients", attempt: k.toString(16).padStart(32, "0") }, new Uint8Array(200), 100)[1]!,
      200,
    )!;
  expect(assembly.add(second(999))).toBeDefined();
  expect(assembly.add(second(500))).toBeUndefined();
});

it("XXH32 is that of its specification, at every length and alignment", () => {
  const text = Buffer.from("Nobody inspects the spammish repetition");
  expect(xxHash32(text)).toBe(0xe2293b2f);
  expect(xxHash32(text.subarray(0, 0))).toBe(0x02cc5d05);
  expect(xxHash32(Buffer.from("abc"))).toBe(0x32d153ff);
  for (let offset = 0; offset < 4; offset++) {
    const moved = new Uint8Array(offset + text.length);
    moved.set(text, offset);
    expect(xxHash32(moved.subarray(offset))).toBe(0xe2293b2f);
  }
});

useOwnClock();

it("a replica and a worker go on, whatever the log brings", async () => {
  const training = everything;
  const trained = make(training);
  const log = memoryLog();
  const inside = log as unknown as {
    append(subject: string, frames: Uint8Array[]): Promise<number>;
    publishTickets(tickets: Map<string, Uint8Array>): Promise<void>;
  };
  await log.create(save(trained.optimizer), { unit: 0 });
  let draw = 1;
  const noise = () => {
    const from = log.messages.filter((message) => message !== undefined);
    const bytes = from[draw % from.length]!.bytes.slice();
    for (let k = 0; k < 3; k++) {
      draw = (Math.imul(draw, 1664525) + 1013904223) >>> 0;
      bytes[draw % bytes.length] = draw >>> 24;
    }
    return bytes.subarray(0, draw % 5 ? bytes.length : draw % bytes.length);
  };
  const worker = work(
    log,
    async (unit) => {
      compute(training, unit);
      await inside.append("gradients", [noise(), noise()]);
      await inside.append("announcement", [noise()]);
      await inside.append("checkpoint", [noise()]);
      await inside.publishTickets(new Map([[`noise ${unit.unit}`, noise()]]));
    },
    { patience: 50 },
  );
  const options = { updates: 30, checkpointEvery: 4, stall: 500 };
  const { events, error } = await drained(replicate(log, trained.optimizer, options));
  expect(error).toBeUndefined();
  await worker;
  expect(stateOf(trained)).toBe(new OneProcess(training).until(events.at(-1)!.units).state);
});
