// Takes the texts of panics out of a module's data: a kilobyte, gzipped, that nothing reads. Rust has no stable option that leaves
// them out, and the linker cannot, because the functions that begin a panic become traps only after it (`dropPanics`).

/** A piece of data: where it lies in memory, and where in the file. @typedef {{ address: number, start: number, length: number }} Segment */

/** Where memory may hold data: below is the stack. The number is also the size of a page, so that as a constant it says nothing. */
const DATA = 65_536;

/** Rust's formatter writes numbers by this table. */
const DIGITS = Array.from({ length: 100 }, (_, i) => String(i).padStart(2, "0")).join("");

/** Messages of `core` and `alloc`, from their first word to their last. */
const MESSAGES =
  /slice index starts at .*? out of range for slice of length |range end index .*? out of range for slice of length |memory allocation of .*? bytes failed|copy_from_slice: source slice length .*?\) does not match destination slice length \(|capacity overflow|attempt to divide by zero|RefCell already (mutably )?borrowed|mid > len/gs;

/**
 * The module with zeros instead of the texts.
 *
 * @param {Uint8Array} module
 * @param {string} text the same module as text: no constant in it may lead to what is taken out.
 */
export function withoutPanicTexts(module, text) {
  const bytes = Uint8Array.from(module);
  const segments = dataSegments(bytes);
  const dead = segments.flatMap((segment) => panicRanges(bytes, segment, segments));
  if (dead.length === 0) throw new Error("no texts of panics found: does Rust write them otherwise?");
  const constants = [...text.matchAll(/(?:i32\.const |offset=)(\d+)/g)].map(([, digits]) => Number(digits));
  for (const { address, start, length } of dead) {
    const used = constants.find(
      (constant) => constant > DATA + 15 && constant >= address && constant < address + length,
    );
    if (used !== undefined) throw new Error(`the code uses address ${used}, which holds the text of a panic`);
    bytes.fill(0, start, start + length);
  }
  return bytes;
}

/** @param {Uint8Array} bytes @returns {Segment[]} */
function dataSegments(bytes) {
  let at = 8;
  const unsigned = () => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++] ?? 0;
      value += (byte & 127) * 2 ** shift;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const id = bytes[at++];
    const end = unsigned() + at;
    if (id === 11) {
      return Array.from({ length: unsigned() }, () => {
        // An active segment of memory 0: `i32.const <address> end`. Addresses are positive, so LEB128 of either kind is the same.
        if (bytes[at++] !== 0 || bytes[at++] !== 0x41) throw new Error("expected data at constant addresses");
        const address = unsigned();
        if (bytes[at++] !== 0x0b) throw new Error("expected data at constant addresses");
        const length = unsigned();
        const segment = { address, start: at, length };
        at += length;
        return segment;
      });
    }
    at = end;
  }
  return [];
}

/**
 * What a panic would say in this segment: messages, file names, and `core::panic::Location`s that point to file names.
 *
 * @param {Uint8Array} bytes
 * @param {Segment} segment
 * @param {readonly Segment[]} segments
 * @returns {Segment[]}
 */
function panicRanges(bytes, segment, segments) {
  const { address, start, length } = segment;
  const piece = (/** @type {number} */ offset, /** @type {number} */ size) => ({
    address: address + offset,
    start: start + offset,
    length: size,
  });
  const latin = Buffer.from(bytes.subarray(start, start + length)).toString("latin1");
  const texts = [...latin.matchAll(MESSAGES)].map((match) => piece(match.index, match[0].length));
  const digits = latin.indexOf(DIGITS);
  if (digits >= 0) texts.push(piece(digits, DIGITS.length));

  const view = new DataView(bytes.buffer, bytes.byteOffset + start, length);
  const locations = [];
  for (let offset = 0; offset + 16 <= length; offset++) {
    // Name and its length, line, column.
    const [pointer, size] = [view.getUint32(offset, true), view.getUint32(offset + 4, true)];
    const name = fileName(bytes, pointer, size, segments);
    if (name) locations.push(piece(offset, 16), name);
  }
  return [...texts, ...locations];
}

/** The name of a Rust file of this size at this address, if there is one. @param {Uint8Array} bytes @param {number} address @param {number} size @param {readonly Segment[]} segments */
function fileName(bytes, address, size, segments) {
  const segment = segments.find((each) => address >= each.address && address + size <= each.address + each.length);
  if (!segment || size < 4 || size > 200) return undefined;
  const start = segment.start + address - segment.address;
  const isName = /^[\w./-]+\.rs$/.test(Buffer.from(bytes.subarray(start, start + size)).toString("latin1"));
  return isName ? { address, start, length: size } : undefined;
}
