// How a run goes with up to 1,000 workers, simulated: tickets, stragglers, deaths, patience, and one broker that all bytes pass.

export interface Scale {
  readonly workers: number;
  /** Units of an update, for each worker. */
  readonly unitsPerWorker: number;
  readonly parameters: number;
  /** Seconds that a unit takes, but for stragglers. */
  readonly seconds: number;
  /** Before another worker gets the unit too: as many times as a unit takes, with its share of the broker. */
  readonly patience: number;
}

/** Bytes that the broker passes in a second, in and out together. */
const BANDWIDTH = 1e9;
/** Bytes of a parameter: bfloat16 gradients, float32 values. */
const [GRADIENT, VALUE] = [2, 4];
/** Seconds of a wave without bytes and computing: four hops and the handling of messages. */
const LATENCY = 0.005;
/** Seconds for which the replica is busy with a parameter of a gradient: checksum, copy, accumulation. */
const APPLYING = 2e-9;
/** Units that take ten times as long, and workers that die in one; seconds until such a worker is back, in times of a unit. */
const [SLOW, DEATH, RESTART] = [0.01, 0.002, 10];
const UPDATES = 20;

/** The next events, by time: a heap. */
class Events {
  readonly #list: { readonly at: number; readonly run: () => void }[] = [];

  add(at: number, run: () => void): void {
    const list = this.#list;
    let i = list.push({ at, run }) - 1;
    for (let up = (i - 1) >> 1; i > 0 && list[up]!.at > at; i = up, up = (i - 1) >> 1) {
      [list[i], list[up]] = [list[up]!, list[i]!];
    }
  }

  next(): { readonly at: number; readonly run: () => void } | undefined {
    const list = this.#list;
    const [first, last] = [list[0], list.pop()];
    if (list.length === 0 || !last) return first;
    list[0] = last;
    for (let i = 0; ; ) {
      const [left, right] = [2 * i + 1, 2 * i + 2];
      let least = i;
      if (left < list.length && list[left]!.at < list[least]!.at) least = left;
      if (right < list.length && list[right]!.at < list[least]!.at) least = right;
      if (least === i) return first;
      [list[i], list[least]] = [list[least]!, list[i]!];
      i = least;
    }
  }
}

/** How many times as fast as one process without faults, messages and stragglers. */
export function speedup({ workers, unitsPerWorker, parameters, seconds, patience }: Scale): number {
  const units = workers * unitsPerWorker;
  const bytes = parameters * (VALUE * (workers + 1) + 2 * GRADIENT * units);
  const patient = patience * (seconds + bytes / BANDWIDTH);
  const events = new Events();
  let state = 1;
  const random = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  let [now, link, replica, idle] = [0, 0, 0, workers];
  for (let update = 0; update < UPDATES; update++) {
    const [done, tickets] = [new Set<number>(), Array.from({ length: units }, (_, unit) => unit)];
    // Values leave the broker once for each worker.
    link = Math.max(link, now) + (parameters * VALUE * (workers + 1)) / BANDWIDTH;
    const isCurrent = (() => {
      const own = update;
      return () => own === update;
    })();
    const free = () => {
      idle += 1;
      take();
    };
    const take = () => {
      while (idle > 0 && tickets.length > 0) {
        const unit = tickets.shift()!;
        if (done.has(unit)) continue;
        idle -= 1;
        events.add(now + patient, () => {
          if (!isCurrent() || done.has(unit)) return;
          tickets.push(unit);
          take();
        });
        if (random() < DEATH) {
          events.add(now + RESTART * seconds, () => free());
          continue;
        }
        const taking = seconds * (0.8 + 0.4 * random()) * (random() < SLOW ? 10 : 1);
        events.add(now + taking, () => {
          // To the broker, and from there to the replica.
          link = Math.max(link, now) + (2 * parameters * GRADIENT) / BANDWIDTH;
          events.add(link, () => {
            if (!isCurrent()) return;
            replica = Math.max(replica, now) + parameters * APPLYING;
            events.add(replica, () => isCurrent() && done.add(unit));
          });
          free();
        });
      }
    };
    events.add(link + LATENCY, take);
    while (done.size < units) {
      const { at, run } = events.next()!;
      now = at;
      run();
    }
  }
  return (UPDATES * units * (seconds + parameters * APPLYING)) / now;
}

/** The rows of docs/distributed.md's table: parameters, seconds of a unit, speed-up by workers. */
export function rows(): string[][] {
  return [100_000, 1_000_000, 10_000_000].flatMap((parameters) =>
    [0.1, 1, 10].map((seconds) => {
      const of = (workers: number) => speedup({ workers, unitsPerWorker: 4, parameters, seconds, patience: 3 });
      const name = parameters < 1e6 ? `${parameters / 1e3} k` : `${parameters / 1e6} M`;
      return [name, `${seconds} s`, ...[10, 100, 1000].map((workers) => String(Math.round(of(workers))))];
    }),
  );
}

/** How many times the ideal an update takes where bytes cost nothing, for 10, 100 and 1,000 workers. */
export const stragglers = (unitsPerWorker: number): string =>
  [10, 100, 1000]
    .map((workers) => {
      return (workers / speedup({ workers, unitsPerWorker, parameters: 1, seconds: 1, patience: 3 })).toFixed(1);
    })
    .join(", ");
