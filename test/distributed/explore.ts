// Every history of a small model, breadth first, so that what is found is shortest: a log that loses its end or all of itself, or is
// bitten in the middle; replicas that sleep between any two steps, whose words arrive at any later time in whatever log there is
// then; workers whose records come late. Each attempt at a gradient has other bits, so two histories never look equal.

/** The checks of ts/distributed/rejoin.ts, by what they do. */
export type Check =
  | "the position is asked for"
  | "records name a position"
  | "announcements can be void"
  | "asked again behind the own announcement"
  | "behind the last known announcement";

export interface Limits {
  /** Messages in the log. */
  readonly log: number;
  /** Units of the run. */
  readonly units: number;
  /** How often the log loses its end. */
  readonly cuts: number;
  /** How many messages are lost in the middle. */
  readonly bites: number;
  /** How often a replica is killed at all: with `false`, never. */
  readonly kills: boolean;
  /** States after which it stops. */
  readonly states: number;
}

/** A gradient, or an announcement. `key` is unique for ever, and stands for the position. */
interface Message {
  readonly key: number;
  /** Of a gradient: the key of the base's message, and its unit. */
  readonly base?: number;
  readonly unit?: number;
  /** The history that it was computed from, or that the announced checkpoint is of: the keys of the gradients applied. */
  readonly history: string;
  /** Of an announcement: sequence and key of its position; 0 and its own where the run begins. */
  readonly at?: number;
  readonly position?: number;
  readonly isPurged?: boolean;
}

interface Link {
  readonly history: string;
  readonly position: number;
  readonly at: number;
  /** The last announcement that its writer knows. */
  readonly behind: number;
}

interface Replica {
  state: "joining" | "following" | "ended";
  isConnected: boolean;
  history: string;
  base: number;
  baseAt: number;
  /** The last message read. */
  at: number;
  atKey: number;
  last: number;
  previous: number;
  announced: number;
  link: Link | undefined;
}

interface World {
  log: (Message | undefined)[];
  nextKey: number;
  cuts: number;
  bites: number;
  /** Histories whose announcement was taken for the log's own. */
  accepted: string[];
  said: { readonly base: number; readonly unit: number; readonly history: string }[];
  replicas: Replica[];
  words: { readonly link?: Link; readonly purge?: number }[];
}

/** Which property is broken, and the steps that lead there. */
export interface Found {
  readonly broken: string | undefined;
  readonly steps: readonly string[];
  readonly states: number;
  /** Whether every history within the limits was looked at. */
  readonly isComplete: boolean;
}

class Broken extends Error {}

const unitOf = (history: string) => (history === "" ? 0 : history.split(",").length - 1);

const has = (log: World["log"], sequence: number, key: number) => {
  const message = log[sequence - 1];
  return message !== undefined && !message.isPurged && message.key === key;
};

const isAnnouncement = (message: Message | undefined): message is Message & { at: number; position: number } =>
  message?.position !== undefined;

function start(): World {
  const replica = (): Replica => ({
    ...{ state: "following", isConnected: true, history: "", base: 1, baseAt: 1, at: 1, atKey: 1 },
    ...{ last: 1, previous: 0, announced: 0, link: undefined },
  });
  return {
    log: [{ key: 1, history: "", at: 0, position: 1 }],
    ...{ nextKey: 2, cuts: 0, bites: 0, accepted: [], words: [] },
    said: [{ base: 1, unit: 0, history: "" }],
    replicas: [replica(), replica()],
  };
}

const copy = (world: World): World => ({
  ...world,
  log: [...world.log],
  accepted: [...world.accepted],
  said: [...world.said],
  words: [...world.words],
  replicas: world.replicas.map((replica) => ({ ...replica })),
});

export function explore(limits: Limits, without?: Check): Found {
  const byUnit = without === "records name a position";
  const belongs = (message: Message, base: number, history: string) =>
    byUnit ? message.unit === unitOf(history) : message.base === base;

  /** What one process has that reads this log from where the run begins. */
  function fold(log: World["log"], length: number): string | undefined {
    let [history, base] = [undefined as string | undefined, 0];
    for (const message of log.slice(0, length)) {
      if (!message) continue;
      if (isAnnouncement(message)) {
        if (history === undefined && message.at === 0) [history, base] = [message.history, message.key];
      } else if (history !== undefined && belongs(message, base, history)) {
        [history, base] = [`${history}${message.key},`, message.key];
      }
    }
    return history;
  }

  const demand = (world: World, property: string, isKept: boolean) => {
    if (world.bites === 0 && !isKept) throw new Broken(property);
  };

  function accept(world: World, history: string): void {
    if (world.bites === 0 || world.cuts > 0) return;
    const other = world.accepted.find((known) => unitOf(known) === unitOf(history));
    if (other === undefined) world.accepted.push(history);
    else if (other !== history) throw new Broken("two checkpoints of one unit");
  }

  function say(world: World, { base, history }: Replica): void {
    const isSaid = world.said.some((values) => values.base === base && values.history === history);
    if (unitOf(history) < limits.units && !isSaid) world.said.push({ base, unit: unitOf(history), history });
  }

  function* steps(world: World): Generator<readonly [string, (world: World) => void]> {
    if (world.log.length < limits.log) {
      for (const { base, unit, history } of world.said) {
        const message = (key: number) => ({ key, base, unit, history });
        yield [`a worker appends unit ${unit} for base ${base}`, (to) => to.log.push(message(to.nextKey++))];
      }
    }
    if (world.cuts < limits.cuts) {
      for (let length = 0; length < world.log.length; length++) {
        yield [
          `the log is cut to ${length}`,
          (to) => {
            to.log.length = length;
            to.cuts += 1;
            for (const replica of to.replicas) replica.isConnected = false;
          },
        ];
      }
    }
    if (world.bites < limits.bites) {
      for (const [i, message] of world.log.entries()) {
        if (i === 0 || !message || isAnnouncement(message)) continue;
        yield [
          `message ${i + 1} is bitten out`,
          (to) => {
            to.log[i] = undefined;
            to.bites += 1;
          },
        ];
      }
    }
    for (const [i, { link, purge }] of world.words.entries()) {
      if (purge !== undefined) {
        yield [
          `a purge before ${purge} arrives`,
          (to) => {
            to.words.splice(i, 1);
            to.log = to.log.map((message, k) => (message && k < purge - 1 ? { ...message, isPurged: true } : message));
          },
        ];
      } else if (link && world.log.length < limits.log) {
        yield [
          `an announcement of ${unitOf(link.history)} units arrives`,
          (to) => {
            to.words.splice(i, 1);
            let last = to.log.length;
            while (last > 0 && !(isAnnouncement(to.log[last - 1]) && !to.log[last - 1]?.isPurged)) last -= 1;
            if (without === "behind the last known announcement" || last === link.behind) {
              to.log.push({ key: to.nextKey++, history: link.history, at: link.at, position: link.position });
            }
          },
        ];
      }
    }
    for (const [i, replica] of world.replicas.entries()) {
      for (const [what, act] of replicaSteps(world, replica)) {
        yield [`replica ${i} ${what}`, (to) => act(to, to.replicas[i]!)];
      }
    }
  }

  function* replicaSteps(
    world: World,
    replica: Replica,
  ): Generator<readonly [string, (world: World, replica: Replica) => void]> {
    const end = (own: Replica) => {
      own.state = "joining";
      own.link = undefined;
    };
    if (replica.state === "following") {
      if (!replica.isConnected) {
        yield [
          "makes a consumer",
          (to, own) => {
            if (without !== "the position is asked for" && !has(to.log, own.at, own.atKey)) end(own);
            else own.isConnected = true;
          },
        ];
      } else if (world.log.length > replica.at) yield [`reads message ${replica.at + 1}`, read];
      if (!replica.link && replica.baseAt > 1 && replica.announced !== replica.base) {
        yield [
          `announces ${unitOf(replica.history)} units`,
          (to, own) => {
            own.link = { history: own.history, position: own.base, at: own.baseAt, behind: own.last };
            own.announced = own.base;
            to.words.push({ link: own.link });
          },
        ];
      }
      if (replica.link) yield ["looks for its announcement", look];
      if (limits.kills) yield ["is killed", (_, own) => end(own)];
    }
    if (replica.state === "joining") yield ["joins", join];

    function read(to: World, own: Replica): void {
      const message = to.log[own.at];
      own.at += 1;
      // The server skips what is not there, and says nothing.
      if (!message || message.isPurged) return;
      own.atKey = message.key;
      if (isAnnouncement(message) || !belongs(message, own.base, own.history)) return;
      if (message.history !== own.history) throw new Broken("a gradient of other values is applied");
      own.history += `${message.key},`;
      [own.base, own.baseAt] = [message.key, own.at];
      demand(to, "a replica has not the fold of this log", fold(to.log, own.at) === own.history);
      say(to, own);
    }

    function look(to: World, own: Replica): void {
      const link = own.link!;
      for (let i = link.behind; i < to.log.length; i++) {
        const message = to.log[i];
        if (!isAnnouncement(message) || message.isPurged) continue;
        if (message.position === link.position) {
          const isHere = without === "asked again behind the own announcement" || has(to.log, link.at, link.position);
          if (message.history !== link.history || !isHere) {
            end(own);
            return;
          }
          demand(to, "an announcement taken for one's own is not of this log", fold(to.log, link.at) === link.history);
          accept(to, link.history);
          if (own.previous > 1) to.words.push({ purge: own.previous });
          [own.previous, own.last, own.link] = [link.at, i + 1, undefined];
          return;
        }
        if (without === "announcements can be void" || has(to.log, message.at || i + 1, message.position)) {
          end(own);
          return;
        }
        // Void: the announcement goes behind it.
        const moved = { ...link, behind: i + 1 };
        own.link = moved;
        to.words = to.words.map((word) =>
          word.link?.position === link.position && word.link.history === link.history ? { link: moved } : word,
        );
        return;
      }
      if (!has(to.log, link.at, link.position)) end(own);
    }

    function join(to: World, own: Replica): void {
      for (let i = to.log.length - 1; i >= 0; i--) {
        const message = to.log[i];
        if (!isAnnouncement(message) || message.isPurged) continue;
        const [at, position] = message.at ? [message.at, message.position] : [i + 1, message.key];
        if (without !== "announcements can be void" && !has(to.log, at, position)) continue;
        demand(to, "what is joined is not of this log", fold(to.log, at) === message.history);
        if (message.at) accept(to, message.history);
        const { history } = message;
        Object.assign(own, {
          state: "following",
          isConnected: false,
          history,
          base: position,
          baseAt: at,
          at,
          atKey: position,
        });
        Object.assign(own, { last: i + 1, previous: at, announced: position, link: undefined });
        say(to, own);
        return;
      }
      own.state = "ended";
    }
  }

  interface Node {
    world: World | undefined;
    readonly before: Node | undefined;
    readonly step: string;
  }
  const first = start();
  const seen = new Set([canonical(first)]);
  let level: Node[] = [{ world: first, before: undefined, step: "" }];
  while (level.length > 0) {
    const following: Node[] = [];
    for (const node of level) {
      for (const [step, act] of steps(node.world!)) {
        const world = copy(node.world!);
        try {
          act(world);
        } catch (error) {
          if (!(error instanceof Broken)) throw error;
          const trail = [step];
          for (let at: Node | undefined = node; at?.before; at = at.before) trail.unshift(at.step);
          return { broken: error.message, steps: trail, states: seen.size, isComplete: false };
        }
        const key = canonical(world);
        if (seen.has(key)) continue;
        seen.add(key);
        if (seen.size > limits.states) return { broken: undefined, steps: [], states: seen.size, isComplete: false };
        following.push({ world, before: node, step });
      }
      node.world = undefined;
    }
    level = following;
  }
  return { broken: undefined, steps: [], states: seen.size, isComplete: true };
}

/** A world with its names in order of appearance and its replicas sorted, so that equal ones meet. */
function canonical(world: World): string {
  const names = new Map<number, number>();
  const name = (key: number | undefined) => {
    if (!key) return 0;
    if (!names.has(key)) names.set(key, names.size + 1);
    return names.get(key);
  };
  const history = (keys: string) =>
    keys
      .split(",")
      .map((key) => (key === "" ? "" : name(Number(key))))
      .join();
  const link = (of: Link | undefined) => of && [history(of.history), name(of.position), of.at, of.behind].join("/");
  const log = world.log.map(
    (message) =>
      message &&
      [
        ...[name(message.key), name(message.base), message.unit, history(message.history)],
        ...[message.at, name(message.position), message.isPurged ? 1 : 0],
      ].join("."),
  );
  const replicas = world.replicas.map((replica) =>
    [
      ...[replica.state, replica.isConnected, history(replica.history), name(replica.base), replica.baseAt, replica.at],
      ...[name(replica.atKey), replica.last, replica.previous, name(replica.announced), link(replica.link)],
    ].join(" "),
  );
  const said = world.said.map((values) => `${name(values.base)}.${values.unit}.${history(values.history)}`);
  const words = world.words.map((word) => word.purge ?? link(word.link));
  const parts = [log, replicas.sort(), said.sort(), words.sort(), world.accepted.map(history).sort()];
  return `${parts.map((part) => part.join(" ")).join("|")}|${world.cuts} ${world.bites}`;
}
