// HDF5 through jsfive: groups, arrays and attributes, with every failure a CheckpointError.

import { CheckpointError, show } from "../errors.js";

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

/** An array of the file. */
export interface Dataset extends Node {
  readonly shape: readonly number[];
  /** As NumPy writes it: `<f4` is float32. */
  readonly dtype: unknown;
  readonly value: readonly (number | bigint)[];
}

/** Groups can be linked in circles. */
const LONGEST_PATH = 10_000;

const isDataset = (node: Node): node is Dataset => "dtype" in node;

/** jsfive throws texts, errors of all kinds, and RangeErrors of the engine. */
function attempt<T>(what: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    throw new CheckpointError(`${what} cannot be read as HDF5: ${cause}`, { cause });
  }
}

/** The arrays in a file by their paths, and the `name` that Keras gave to the groups that hold them. */
export function readHdf5(bytes: Uint8Array, { File }: Hdf5): ReadonlyMap<string, { dataset: Dataset; group: string }> {
  const found = new Map<string, { dataset: Dataset; group: string }>();
  const visit = (group: Group, path: string): void => {
    const name = String(attempt(`Group ${show(path)}`, () => group.attrs["name"] ?? ""));
    for (const key of attempt(`Group ${show(path)}`, () => group.keys)) {
      const place = path === "" ? key : `${path}/${key}`;
      if (place.length > LONGEST_PATH) throw new CheckpointError(`Group ${show(path)} is in itself.`);
      const node = attempt(show(place), () => group.get(key));
      // A link that leads nowhere.
      if (node === null) continue;
      if (isDataset(node)) found.set(place, { dataset: node, group: name });
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

/** What NumPy calls the types that occur. */
const TYPES: Readonly<Record<string, string>> = { "<f4": "float32", "<i4": "int32", "<i8": "int64" };

export const typeOf = ({ dtype }: Dataset): string => TYPES[String(dtype)] ?? String(dtype);

/** The numbers of an array. */
export function numbersOf(path: string, dataset: Dataset): Float64Array {
  const size = dataset.shape.reduce((product, length) => product * length, 1);
  const values = attempt(show(path), () => Float64Array.from(size === 0 ? [] : dataset.value, Number));
  if (values.length !== size) {
    throw new CheckpointError(
      `Array ${show(path)} of shape [${dataset.shape}] must have ${size} numbers; it has ${values.length}.`,
    );
  }
  return values;
}
