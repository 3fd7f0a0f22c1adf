// HDF5 through jsfive: groups, arrays and attributes, with every failure a CheckpointError.

import { CheckpointError } from "../support/errors.js";
import { show } from "../support/messages.js";

/** The module `jsfive`, as far as it is used. */
export interface Hdf5 {
  /** Reads a file: a group of groups and arrays. */
  readonly File: new (
    buffer: ArrayBuffer,
    name: string,
  ) => unknown;
}

interface Node {
  readonly attrs: Readonly<Record<string, unknown>>;
}

interface Group extends Node {
  readonly keys: readonly string[];
  get(path: string): Node | null;
}

/** An array as jsfive has it: it decodes each part when it is asked for. */
interface Source extends Node {
  readonly shape: readonly number[];
  /** As NumPy writes it: `<f4` is float32. */
  readonly dtype: unknown;
  readonly value: readonly (number | bigint)[];
}

/** Groups can be linked in circles. */
const LONGEST_PATH = 10_000;
/** A link takes at least so many bytes. A few groups that are linked several times each can be reached in endless ways. */
const LINK = 16;

const isSource = (node: Node): node is Source => "dtype" in node;

/** jsfive throws texts, errors of all kinds, and RangeErrors of the engine. */
function attempt<T>(what: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    throw new CheckpointError(`${what} cannot be read as HDF5: ${cause}`, { cause });
  }
}

/** What NumPy calls the types that occur. */
const TYPES: Readonly<Record<string, string>> = { "<f4": "float32", "<i4": "int32", "<i8": "int64" };

/** An array of the file. */
export class Dataset {
  readonly #path: string;
  readonly #source: Source;
  /** The length of the file. */
  readonly #bytes: number;

  constructor(path: string, source: Source, bytes: number) {
    this.#path = path;
    this.#source = source;
    this.#bytes = bytes;
  }

  get shape(): readonly number[] {
    return this.#attempt(({ shape }) => [...shape]);
  }

  /** The type, as NumPy calls it. */
  get type(): string {
    const type = this.#attempt(({ dtype }) => String(dtype));
    return TYPES[type] ?? type;
  }

  /** The numbers, a copy. */
  get numbers(): Float64Array {
    const { shape } = this;
    const size = shape.reduce((product, length) => product * length, 1);
    // Keras compresses nothing; a few compressed bytes, or none, could stand for more numbers than there is memory.
    if (size > this.#bytes) {
      throw new CheckpointError(`Array ${show(this.#path)} of shape [${shape}] is larger than the file.`);
    }
    const values = this.#attempt(({ value }) => Float64Array.from(size === 0 ? [] : value, Number));
    if (values.length !== size) {
      throw new CheckpointError(
        `Array ${show(this.#path)} of shape [${shape}] must have ${size} numbers; it has ${values.length}.`,
      );
    }
    return values;
  }

  #attempt<T>(work: (source: Source) => T): T {
    return attempt(show(this.#path), () => work(this.#source));
  }
}

/** The arrays in a file by their paths, and the `name` that Keras gave to the groups that hold them. */
export function readHdf5(bytes: Uint8Array, { File }: Hdf5): ReadonlyMap<string, { dataset: Dataset; group: string }> {
  const found = new Map<string, { dataset: Dataset; group: string }>();
  let links = 0;
  const visit = (group: Group, path: string): void => {
    const name = String(attempt(`Group ${show(path)}`, () => group.attrs["name"] ?? ""));
    for (const key of attempt(`Group ${show(path)}`, () => group.keys)) {
      const place = path === "" ? key : `${path}/${key}`;
      if (place.length > LONGEST_PATH) throw new CheckpointError(`Group ${show(path)} is in itself.`);
      if (++links > bytes.length / LINK) throw new CheckpointError("The file's groups are linked more than once.");
      const node = attempt(show(place), () => group.get(key));
      // A link that leads nowhere.
      if (node === null) continue;
      if (isSource(node)) found.set(place, { dataset: new Dataset(place, node, bytes.length), group: name });
      else visit(node as Group, place);
    }
  };
  // A buffer of its own: jsfive reads from the beginning of what it gets.
  const buffer = Uint8Array.from(bytes).buffer;
  visit(
    attempt("The file", () => new File(buffer, "file") as Group),
    "",
  );
  return found;
}
