// The header of a safetensors file, read in one pass. `JSON.parse` would keep the last of two equal keys, and takes four
// times as long.

import { CheckpointError } from "../support/errors.js";
import { show } from "../support/messages.js";
import { sizeOf } from "../support/size-of.js";
import { type Values, valuesOf, widthOf } from "./typed-values.js";

/** An array of a file. A million of them can be in one, so views on the bytes are made when they are asked for. */
export class StoredTensor {
  readonly name: string;
  /** Its type, as the format calls it: F32, I64, BF16, … */
  readonly dtype: string;
  readonly shape: readonly number[];
  /** Where its bytes are in the file's data. */
  readonly begin: number;
  readonly end: number;
  readonly #data: Uint8Array<ArrayBuffer>;

  constructor(
    data: Uint8Array<ArrayBuffer>,
    name: string,
    dtype: string,
    shape: readonly number[],
    begin: number,
    end: number,
  ) {
    this.name = name;
    this.dtype = dtype;
    this.shape = shape;
    this.begin = begin;
    this.end = end;
    this.#data = data;
  }

  /** The numbers: a view on the file's bytes where they are aligned. `undefined` for types without an array. */
  get values(): Values | undefined {
    return valuesOf(this.dtype, this.#data, this.begin, this.end);
  }
}

export interface Header {
  readonly metadata: ReadonlyMap<string, string>;
  /** In the order of the text. */
  readonly tensors: StoredTensor[];
}

/**
 * @param data the bytes behind the header.
 * @throws {CheckpointError} if a writer of safetensors would not make this text.
 */
export function parseHeader(text: string, data: Uint8Array<ArrayBuffer>): Header {
  return new HeaderParser(text, data).parse();
}

const [SPACE, TAB, NEWLINE, RETURN] = [0x20, 0x09, 0x0a, 0x0d] as const;
const [QUOTE, COMMA, COLON, BACKSLASH] = [0x22, 0x2c, 0x3a, 0x5c] as const;
const [LIST, LIST_END, OBJECT, OBJECT_END] = [0x5b, 0x5d, 0x7b, 0x7d] as const;
const [ZERO, NINE] = [0x30, 0x39] as const;

class HeaderParser {
  readonly #text: string;
  readonly #data: Uint8Array<ArrayBuffer>;
  #at = 0;
  /** The numbers of the list read last. One array for all lists: one that grows has room for seventeen. */
  readonly #numbers: number[] = [];

  constructor(text: string, data: Uint8Array<ArrayBuffer>) {
    this.#text = text;
    this.#data = data;
  }

  parse(): Header {
    if (this.#next() !== OBJECT) throw new CheckpointError("The checkpoint's header is not an object.");
    let metadata: Map<string, string> | undefined;
    const tensors: StoredTensor[] = [];
    this.#object((name) => {
      if (name !== "__metadata__") tensors.push(this.#tensor(name));
      else if (metadata === undefined) metadata = this.#metadata();
      else throw repeated();
    });
    this.#next();
    if (this.#at < this.#text.length) throw this.#broken("the end");
    return { metadata: metadata ?? new Map(), tensors };
  }

  #metadata(): Map<string, string> {
    const texts = new Map<string, string>();
    const wrong = () =>
      new CheckpointError(`The checkpoint's metadata must be texts by name; received ${this.#shown()}.`);
    if (this.#next() !== OBJECT) throw wrong();
    this.#object((name) => {
      if (this.#next() !== QUOTE) throw wrong();
      const { size } = texts;
      if (texts.set(name, this.#string()).size === size) throw repeated();
    });
    return texts;
  }

  #tensor(name: string): StoredTensor {
    let dtype: unknown;
    let shape: number[] | undefined;
    let begin: number | undefined;
    let end: number | undefined;
    const invalid = (what: string) =>
      new CheckpointError(`Tensor ${show(name)} has no valid ${what}: ${this.#shown()}.`);
    if (this.#next() === OBJECT) {
      this.#object((key) => {
        if (key === "dtype" && dtype === undefined) {
          dtype = this.#next() === QUOTE ? this.#string() : null;
          if (dtype === null) throw unknownType(name, this.#shown());
        } else if (key === "shape" && shape === undefined) {
          shape = this.#numbers.slice(
            0,
            this.#counts(() => invalid(key)),
          );
        } else if (key === "data_offsets" && begin === undefined) {
          if (this.#counts(() => invalid(key)) !== 2) throw invalid(key);
          [begin, end] = this.#numbers;
        } else throw repeated();
      });
    }
    const width = widthOf(dtype as string);
    if (width === undefined) throw unknownType(name, show(dtype));
    if (shape === undefined) throw invalid("shape");
    if (begin === undefined || end === undefined) throw invalid("data_offsets");
    const size = width * sizeOf(shape);
    if (end - begin !== size) {
      throw new CheckpointError(
        `Tensor ${show(name)} of shape [${shape}] needs ${size} bytes; its offsets leave ${end - begin}.`,
      );
    }
    return new StoredTensor(this.#data, name, dtype as string, shape, begin, end);
  }

  /** The members of an object that begins here; `member` reads the value of a key. */
  #object(member: (key: string) => void): void {
    this.#at += 1;
    if (this.#next() === OBJECT_END) this.#at += 1;
    else
      do {
        if (this.#next() !== QUOTE) throw this.#broken("a key");
        const key = this.#string();
        if (this.#next() !== COLON) throw this.#broken('":"');
        this.#at += 1;
        this.#next();
        member(key);
      } while (this.#continues(OBJECT_END));
  }

  /** Reads a list of lengths or offsets into `#numbers`. @returns how many they are. */
  #counts(invalid: () => CheckpointError): number {
    let length = 0;
    if (this.#next() !== LIST) throw invalid();
    this.#at += 1;
    if (this.#next() === LIST_END) this.#at += 1;
    else
      do {
        this.#next();
        const begin = this.#at;
        let count = 0;
        for (let code = this.#code(); code >= ZERO && code <= NINE; code = this.#code()) {
          // In this order, or the sum is rounded before it is within 2 ** 53.
          count = 10 * count + (code - ZERO);
          this.#at += 1;
        }
        const isPadded = this.#at > begin + 1 && this.#text.charCodeAt(begin) === ZERO;
        if (this.#at === begin || isPadded || !Number.isSafeInteger(count)) throw invalid();
        const end = this.#next();
        if (end !== COMMA && end !== LIST_END) throw invalid();
        this.#numbers[length++] = count;
      } while (this.#continues(LIST_END));
    return length;
  }

  /** Whether a comma comes next; if not, it must be the end. */
  #continues(end: number): boolean {
    const code = this.#next();
    if (code !== COMMA && code !== end) throw this.#broken('","');
    this.#at += 1;
    return code === COMMA;
  }

  /** The string that begins here. */
  #string(): string {
    const text = this.#text;
    const begin = this.#at;
    let at = begin + 1;
    let isEscaped = false;
    for (let code = text.charCodeAt(at); code !== QUOTE; code = text.charCodeAt(at)) {
      // Control characters must be escaped; the end of the text is NaN.
      if (!(code >= SPACE)) throw this.#broken("a string");
      if (code === BACKSLASH) isEscaped = true;
      at += code === BACKSLASH ? 2 : 1;
    }
    this.#at = at + 1;
    if (!isEscaped) return text.slice(begin + 1, at);
    try {
      return JSON.parse(text.slice(begin, at + 1));
    } catch (cause) {
      throw new CheckpointError(`The checkpoint's header is not JSON: ${cause}`, { cause });
    }
  }

  #code(): number {
    return this.#text.charCodeAt(this.#at);
  }

  /** The next character that is no white space. NaN at the end. */
  #next(): number {
    let code = this.#code();
    while (code === SPACE || code === NEWLINE || code === TAB || code === RETURN) {
      this.#at += 1;
      code = this.#code();
    }
    return code;
  }

  #shown(): string {
    return show(this.#text.slice(this.#at, this.#at + 100));
  }

  #broken(expected: string): CheckpointError {
    return new CheckpointError(
      `The checkpoint's header is not JSON: expected ${expected} at character ${this.#at}; received ${this.#shown()}.`,
    );
  }
}

const unknownType = (name: string, dtype: string) =>
  new CheckpointError(`Tensor ${show(name)} has no known dtype: ${dtype}.`);

export const repeated = (): CheckpointError =>
  new CheckpointError("The checkpoint's header is not as it was written: something is repeated, or not known.");
