// Makes a module for several threads of one for a single thread: all of its instances work on one memory.
//
// A linker does this only for code compiled with atomics, and then Rust's std must be compiled anew. Ours needs no atomics:
// threads write to parts of arrays that do not overlap, and JavaScript's Atomics say when a part begins and ends. That leaves
// four changes of the module's text.

/**
 * The module with shared memory, as text, and the pages of memory that it needs at first.
 *
 * @param {string} text
 */
export function withSharedMemory(text) {
  /** @type {string[]} */
  const additions = [];

  // The memory is the host's, so that each instance can be given the same one.
  let [memory, initialPages] = ["", 0];
  text = change(text, /\(memory \$(\S+) (\d+)(?: \d+)?\)/g, ([, name, pages]) => {
    memory = `(import "env" "memory" (memory $${name} ${pages} 65536 shared))`;
    initialPages = Number(pages);
    return "";
  });
  // Imports come first.
  text = change(text, /^\(module\b/g, ([start]) => `${start} ${memory}`);

  // Active data is written at each instantiation, over what the program has done meanwhile. Passive data is not.
  /** @type {string[]} */
  const initialized = [];
  text = change(
    text,
    /\(data \$(\S+) \(i32\.const (\d+)\) "((?:[^"\\]|\\.)*)"\)/g,
    ([, name, address, bytes]) => {
      const length = bytes.replaceAll(/\\(?:[\da-f]{2}|.)/gi, ".").length;
      initialized.push(`(memory.init $${name} (i32.const ${address}) (i32.const 0) (i32.const ${length}))`);
      return `(data $${name} "${bytes}")`;
    },
    Number.POSITIVE_INFINITY,
  );
  additions.push(`(func (export "memory_initialize") ${initialized.join(" ")})`);

  // The one mutable global is the stack pointer; every instance but the first needs a stack of its own.
  change(text, /\(global \$(\S+) \(mut i32\)/g, ([whole, name]) => {
    additions.push(`(func (export "stack_set") (param i32) (global.set $${name} (local.get 0)))`);
    return whole;
  });
  if (/^ \((?:start|tag)\b/m.test(text)) throw new Error("a start function would run again in each instance");

  text = change(text, /\)\s*$/g, () => `${additions.map((addition) => ` ${addition}\n`).join("")})\n`);
  return { text, initialPages };
}

/**
 * `text` with what matches changed. Stops the build if nothing matches, or more than `most`.
 *
 * @param {string} text
 * @param {RegExp} pattern
 * @param {(match: string[]) => string} replace
 */
function change(text, pattern, replace, most = 1) {
  const found = [...text.matchAll(pattern)].length;
  if (found === 0 || found > most) throw new Error(`expected once: ${pattern}; found ${found}`);
  return text.replaceAll(pattern, (...match) => replace(match));
}
