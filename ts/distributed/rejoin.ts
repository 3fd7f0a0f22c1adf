// How a replica gets into a log, and how it knows that it is still in it. A log can lose its end, be rolled back to a copy, be
// replaced, or lose records in the middle, while replicas and workers live. Five checks keep that from ever making two histories
// (each, left out, lets one through: test/distributed/explore.ts). Whoever doubts ends with a named error, and joins again.
//
//   1  The position of the last message read is in the log: asked before the first record of every consumer, and at a stall.
//   2  Gradients, tickets and values name the position of the base they belong to.
//   3  An announcement whose position is not in the log is void.
//   4  After its own announcement is found, a replica asks for its position again.
//   5  An announcement is stored only behind the one that its writer knew as the last; whose it is, the log says.

import { ConfigurationError, LogChangedError, NoCheckpointError, NoRunError, StateDiffersError } from "./errors.js";
import { Assembly, Draft, type Position, positionOf, readFrame, sequenceOf } from "./frame.js";
import { fromHex, randomId, sha256, toHex } from "./host.js";
import type { Messages, Stored } from "./messages.js";

/** The options of `replicate` that say when checkpoints are written, and so must be equal in all replicas. */
export const SCHEDULE = ["checkpointEvery", "span", "updates"] as const;

/** A checkpoint that the log knows of. */
export interface Announcement {
  /** Its own sequence. */
  readonly sequence: number;
  /** The message behind which the run goes on from this checkpoint. */
  readonly position: Position;
  /** Units before it. */
  readonly unit: number;
  /** SHA-256 of the checkpoint, by which its chunks are found: copies of two writers cannot mix. */
  readonly hash: string;
  /** The sequence from which on its chunks are. */
  readonly first: number;
  /** CRC-32 of the writer's layout; 0 where the run began, because a file does not tell the gradients' types. */
  readonly layout: number;
  /** The writer's numbers of `SCHEDULE`; 0 where the run began. */
  readonly schedule: readonly number[];
}

/** Bytes of an announcement: the hash, where the chunks begin, and the schedule. */
const ANNOUNCEMENT = 32 + 8 * (1 + SCHEDULE.length);

/** Whether the log has the message at a position. */
export async function has(log: Messages, position: Position): Promise<boolean> {
  const stored = await log.get(sequenceOf(position));
  return stored !== undefined && positionOf(stored) === position;
}

/** Checks 1 and 4. */
export async function verify(log: Messages, position: Position): Promise<void> {
  if (await has(log, position)) return;
  throw new LogChangedError(
    `The log has no message at ${position} any more: it lost its end, was replaced, or went on without this replica.`,
  );
}

function announcementOf(stored: Stored): Announcement | undefined {
  const frame = readFrame(stored.bytes, ANNOUNCEMENT);
  const whole = frame?.kind === "announcement" && new Assembly(1).add(frame);
  if (!whole || whole.length !== ANNOUNCEMENT) return undefined;
  const { bytes, base, unit, layout } = whole;
  const [first = 0, ...schedule] = new Float64Array(bytes.buffer, bytes.byteOffset + 32);
  const hash = toHex(bytes.subarray(0, 32));
  // Where a run begins, there is no base yet: the position is that of the announcement.
  return { sequence: stored.sequence, position: base || positionOf(stored), unit, hash, first, layout, schedule };
}

/** The first message behind a sequence that is where announcements are; what it says, if it is one. */
async function announcementBehind(log: Messages, sequence: number) {
  const stored = await log.next("announcement", sequence + 1);
  return stored && { sequence: stored.sequence, announcement: announcementOf(stored) };
}

async function announce(log: Messages, announcement: Announcement, last: number) {
  const { position: base, unit, hash, first, layout, schedule } = announcement;
  const draft = new Draft(ANNOUNCEMENT, { kind: "announcement", attempt: randomId(), base, unit, layout });
  draft.data.set(fromHex(hash));
  draft.data.set(new Uint8Array(Float64Array.of(first, ...schedule).buffer), 32);
  return log.append("announcement", draft.frames(ANNOUNCEMENT), { last });
}

/** Chunks are known by their content: who writes the same checkpoint writes the same messages. */
async function storeCheckpoint(log: Messages, bytes: Uint8Array, hash: string): Promise<number> {
  const draft = new Draft(bytes.length, { kind: "checkpoint", attempt: hash.slice(0, 32) });
  draft.data.set(bytes);
  return (await log.append("checkpoint", draft.frames(log.chunkBytes), { id: hash })) as number;
}

/** Begins a run, unless there is one. */
export async function createRun(log: Messages, bytes: Uint8Array, unit: number): Promise<boolean> {
  await log.open();
  if (await announcementBehind(log, 0)) return false;
  const hash = await sha256(bytes);
  const first = await storeCheckpoint(log, bytes, hash);
  const genesis = { sequence: 0, position: "", unit, hash, first, layout: 0, schedule: SCHEDULE.map(() => 0) };
  // Of two at once, the server takes one.
  return (await announce(log, genesis, 0)) !== undefined;
}

/** How often a joiner that is slower than others' checkpoints looks again. */
const JOINS = 20;

/** The newest announcement whose position is in the log and whose checkpoint is whole, and of at most `maximum` bytes. */
export async function newest(
  log: Messages,
  maximum: number,
): Promise<Announcement & { bytes: Uint8Array<ArrayBuffer> }> {
  for (let [seen, tries] = [0, 0]; tries < JOINS; tries++) {
    const found: (Announcement | undefined)[] = [];
    const before = seen;
    for (;;) {
      const next = await announcementBehind(log, seen);
      if (!next) break;
      found.push(next.announcement);
      seen = next.sequence;
    }
    if (seen === 0) throw new NoRunError("The log holds no run: begin one with `create`.");
    // Nobody has announced another one while those before were read, and dropped.
    if (seen === before) break;
    for (const announcement of found.reverse()) {
      if (!announcement || !(await has(log, announcement.position))) continue;
      const bytes = await loadCheckpoint(log, announcement, maximum);
      if (bytes) return { ...announcement, bytes };
    }
  }
  throw new NoCheckpointError("No checkpoint of the run is whole: begin it again from a file, in an empty log.");
}

async function loadCheckpoint(log: Messages, { first, hash }: Announcement, maximum: number) {
  const assembly = new Assembly(1);
  for (let from = first; ; ) {
    const stored = await log.next("checkpoint", from);
    if (!stored) return undefined;
    from = stored.sequence + 1;
    const frame = readFrame(stored.bytes, maximum);
    if (frame?.kind !== "checkpoint" || frame.attempt !== hash.slice(0, 32)) continue;
    const whole = assembly.add(frame);
    if (whole) return (await sha256(whole.bytes)) === hash ? whole.bytes : undefined;
  }
}

/** A replica's state at a base. */
export interface Checkpoint {
  readonly position: Position;
  readonly unit: number;
  readonly layout: number;
  readonly schedule: readonly number[];
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/**
 * Finds the checkpoint in the log behind `last`, or puts it there. Whoever put it there drops what nobody needs any more: what is
 * before the checkpoint `last`, so that two remain.
 */
export async function link(log: Messages, last: Announcement, own: Checkpoint): Promise<Announcement> {
  const hash = await sha256(own.bytes);
  let [behind, isRefused, isMine] = [last.sequence, false, false];
  for (;;) {
    const next = await announcementBehind(log, behind);
    const found = next?.announcement;
    // Behind the question, because an announcement of one's own can arrive in a log that is not one's own any more.
    await verify(log, own.position);
    if (found?.position === own.position) {
      if (found.hash !== hash) {
        throw new StateDiffersError(
          `After ${own.unit} units another replica's state has the hash ${found.hash}, this one's ${hash}: a memory, an engine or an option differs.`,
        );
      }
      const dropped = Math.min(last.first, sequenceOf(last.position));
      // To drop up to sequence 1 empties the stream on some servers. What is not dropped now is dropped with the next one.
      if (isMine && dropped > 1) await log.purge(dropped).catch(() => {});
      return found;
    }
    if (next) {
      // Check 3.
      if (found && (await has(log, found.position))) {
        SCHEDULE.forEach((name, i) => {
          const [theirs, ours] = [found.schedule[i], own.schedule[i]];
          if (theirs === ours) return;
          throw new ConfigurationError(`Another replica has ${name} = ${theirs}; this one has ${ours}.`);
        });
        throw new LogChangedError(
          `The log has a checkpoint of ${found.unit} units at ${found.position}; this replica's has ${own.unit} at ${own.position}.`,
        );
      }
      [behind, isRefused] = [next.sequence, false];
      continue;
    }
    if (isRefused) throw new LogChangedError("The log refuses a checkpoint for another one that it does not have.");
    const first = await storeCheckpoint(log, own.bytes, hash);
    if ((await announce(log, { ...own, sequence: 0, hash, first }, behind)) === undefined) isRefused = true;
    else isMine = true;
  }
}
