// Node, in every way that changes what it lets us do.
import { node } from "../needs.mjs";

const versions = { 20: "20.20.2", 22: "22.23.3", 24: "24.21.0", 26: "26.10.0" };

/** Prints the version before the report. */
const answer = async (kit, node, args, folder, input) => {
  const report = await kit.execute(node.command, args, { cwd: folder, input });
  const version = (await kit.execute(node.command, ["--version"])).trim().slice(1);
  return { version, report };
};

const module = (entry, ...flags) => ({
  async run(kit, node) {
    const folder = await kit.folder({ "main.mjs": kit.main(entry) });
    return answer(kit, node, [...flags, "main.mjs"], folder);
  },
});

const ways = [
  { name: "esm", way: "import", ...module(".") },
  {
    name: "require",
    way: "require()",
    async run(kit, node) {
      const main = `const rmsprop = require("rmsprop-wasm"), { suite } = require("./suite.js");
const report = suite(rmsprop);
${kit.print}`;
      return answer(kit, node, ["main.cjs"], await kit.folder({ "main.cjs": main }));
    },
  },
];

export const environments = Object.entries(versions).flatMap(([major, version]) => {
  const here = node(version);
  return ways.map(({ name, run, ...rest }) => ({
    name: `node-${major}-${name}`,
    host: "Node",
    entry: ".",
    backend: "wasm-simd128",
    needs: [here],
    run: (kit) => run(kit, here),
    ...rest,
  }));
});
