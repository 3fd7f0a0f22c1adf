// Fails when a script in dist uses syntax that the oldest engines do not parse. esbuild knows which engine parses what: for
// those engines it must have nothing to rewrite.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { transform } from "esbuild";
import { root } from "./tools.mjs";

/** The oldest engines that parse all of dist. React Native's Babel preset takes the same syntax. */
export const ENGINES = ["chrome93", "firefox92", "safari15"];

/**
 * What an engine could not parse, as the first line that esbuild writes differently for it; `undefined` if there is none.
 *
 * @param {string} code
 * @param {string} engine
 */
export async function tooNew(code, engine) {
  /** @param {string} target */
  const written = async (target) => (await transform(code, { target, logLevel: "silent" })).code.split("\n");
  try {
    const [all, old] = [await written("esnext"), await written(engine)];
    // esbuild's helpers come first.
    const i =
      old.length === all.length
        ? all.findIndex((line, i) => line !== old[i])
        : all.findIndex((line) => !old.includes(line));
    return i < 0 ? undefined : (all[i] ?? "").trim().slice(0, 100);
  } catch (error) {
    return error instanceof Error ? error.message.split("\n").at(-1) : String(error);
  }
}

if (process.argv[1] === import.meta.filename) {
  const scripts = readdirSync(join(root, "dist"), { encoding: "utf8", recursive: true }).filter((name) =>
    name.endsWith(".js"),
  );
  for (const name of scripts.sort()) {
    const code = readFileSync(join(root, "dist", name), "utf8");
    for (const engine of ENGINES) {
      const found = await tooNew(code, engine);
      if (found === undefined) continue;
      console.log(`dist/${name} is too new for ${engine}: ${found}`);
      process.exitCode = 1;
    }
  }
  if (!process.exitCode) console.log(`${scripts.length} scripts: ${ENGINES.join(", ")} parse them all.`);
}
