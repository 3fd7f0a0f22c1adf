// What environments need on the machine: where it is found, and how it gets there with --install.
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

/**
 * @typedef {object} Need Something that an environment needs on the machine.
 * @property {string} label
 * @property {string} key Needs with the same key are one.
 * @property {() => boolean} isInstalled
 * @property {() => void | Promise<void>} [install]
 * @property {() => string[]} [apt] Packages of Debian that must be there first.
 *
 * @typedef {Readonly<Record<string, string>>} Versions Packages and their versions.
 */

/** Whether what is missing counts as failed. */
export const isCI = /^(true|1)$/i.test(process.env.CI ?? "");

/** Beside the tools of scripts/tools.mjs: shared by all checkouts, since the versions are part of every path. */
const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "rmsprop-wasm", "runtimes");
const suffix = process.platform === "win32" ? ".exe" : "";

/** @param {Versions} packages */
const list = (packages) => Object.entries(packages).map(([name, version]) => `${name}@${version}`);

/**
 * A folder's name that says what is in it.
 *
 * @param {string} kind
 * @param {Versions} packages
 */
function folderOf(kind, packages) {
  const [first] = list(packages);
  const digest = createHash("sha256").update(list(packages).join(" ")).digest("hex").slice(0, 8);
  return join(cache, `${kind}-${first.replaceAll(/[^\w.@-]+/g, "_")}-${digest}`);
}

/**
 * A folder in the cache that counts only once it is complete.
 *
 * @param {string} folder
 * @param {string} label
 * @param {() => Promise<void>} install
 */
function cached(folder, label, install) {
  const stamp = join(folder, "complete");
  return {
    label,
    folder,
    key: folder,
    isInstalled: () => existsSync(stamp),
    async install() {
      rmSync(folder, { recursive: true, force: true });
      mkdirSync(folder, { recursive: true });
      await install();
      writeFileSync(stamp, "");
    },
  };
}

/**
 * Pinned packages from npm, in a folder of their own.
 *
 * @param {Versions} packages
 */
export function npm(packages) {
  const folder = folderOf("npm", packages);
  const need = cached(folder, `${list(packages).join(", ")} from npm`, async () => {
    writeFileSync(join(folder, "package.json"), JSON.stringify({ private: true }));
    await run(
      "npm",
      ["install", "--save-exact", "--no-audit", "--no-fund", "--loglevel=error", ...list(packages)],
      folder,
    );
  });
  return {
    ...need,
    version: Object.values(packages)[0],
    /** @param {string} name */
    bin: (name) => join(folder, "node_modules", ".bin", name),
    /** @param {string[]} names */
    path: (...names) => join(folder, "node_modules", ...names),
    /**
     * The address of a package's ES module, to be imported from anywhere.
     *
     * @param {string} name
     */
    url: (name) => pathToFileURL(moduleOf(join(folder, "node_modules", name))).href,
    /**
     * A package's ES module, in this process.
     *
     * @param {string} name
     */
    import: (name) => import(pathToFileURL(moduleOf(join(folder, "node_modules", name))).href),
  };
}

/**
 * The file that `import` of a package gives on Node.
 *
 * @param {string} folder
 */
function moduleOf(folder) {
  const manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  /** @typedef {string | undefined | { [condition: string]: Exported }} Exported */
  /** @type {(exported: Exported) => string | undefined} */
  const first = (exported) =>
    typeof exported === "object"
      ? first(exported.node ?? exported.import ?? exported.default ?? exported.require)
      : exported;
  return join(
    folder,
    first(manifest.exports?.["."] ?? manifest.exports) ?? manifest.module ?? manifest.main ?? "index.js",
  );
}

/**
 * One of Node's releases: this process's own, if it is of that line, or npm's copy of the binary.
 *
 * @param {string} version
 */
export function node(version) {
  const major = version.split(".")[0];
  if (process.versions.node.split(".")[0] === major) {
    return { label: `Node ${major}`, key: "node", isInstalled: () => true, install() {}, command: process.execPath };
  }
  const name = `node-${process.platform === "win32" ? "win" : process.platform}-${process.arch}`;
  const need = npm({ [name]: version });
  return { ...need, label: `Node ${version} (${name} from npm)`, command: need.path(name, "bin", `node${suffix}`) };
}

/**
 * A package of Debian (or several), there if `path` is.
 *
 * @param {string | string[]} packages
 * @param {string} path
 */
export function apt(packages, path) {
  const names = [packages].flat();
  return {
    label: `${path} (${names.join(", ")} from apt)`,
    key: `apt ${names.join(" ")}`,
    apt: () => names,
    path,
    isInstalled: () => existsSync(path),
  };
}

/**
 * Pinned packages from PyPI, in a virtual environment of their own.
 *
 * @param {Versions} packages
 */
export function pip(packages) {
  const folder = folderOf("pip", packages);
  const path = join(folder, "venv", ...(process.platform === "win32" ? ["Scripts", "python.exe"] : ["bin", "python"]));
  const python = process.env.PYTHON ?? "python3";
  const names = Object.entries(packages).map(([name, version]) => `${name}==${version}`);
  const need = cached(folder, `${names.join(", ")} from PyPI`, async () => {
    await run(python, ["-m", "venv", join(folder, "venv")], folder);
    await run(path, ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", ...names], folder);
  });
  const makesEnvironments = () => spawnSync(python, ["-c", "import ensurepip, venv"]).status === 0;
  return { ...need, path, packages, apt: () => (makesEnvironments() ? [] : ["python3", "python3-venv"]) };
}

/**
 * The pinned packages of a file of requirements.
 *
 * @param {string} file
 */
export function requirements(file) {
  const lines = readFileSync(file, "utf8").trim().split(/\r?\n/);
  return pip(Object.fromEntries(lines.map((line) => line.split("=="))));
}

/**
 * @param {string} command
 * @param {string[]} args
 * @param {string} [cwd]
 * @returns {Promise<void>}
 */
function run(command, args, cwd) {
  const child = spawn(command, args, {
    cwd,
    stdio: ["ignore", 2, 2],
    shell: process.platform === "win32" && command === "npm",
  });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => {
      if (code === 0) resolve();
      else reject(new Error(`${command} ${args.join(" ")} ended with ${code}`));
    });
  });
}

/**
 * Installs those of `needs` that are not there. One that fails stays missing: the run says so.
 *
 * @param {readonly Need[]} needs
 */
export async function install(needs) {
  const missing = [...new Map(needs.map((need) => [need.key, need])).values()].filter((need) => !need.isInstalled());
  const packages = [...new Set(missing.flatMap((need) => need.apt?.() ?? []))];
  /**
   * @param {string} what
   * @param {() => void | Promise<void>} action
   */
  const attempt = async (what, action) => {
    const started = performance.now();
    console.log(`installing ${what}`);
    try {
      await action();
      console.log(`installed ${what}, ${Math.round((performance.now() - started) / 1000)} s`);
    } catch (error) {
      console.log(`not installed: ${error instanceof Error ? error.message : error}`);
    }
  };
  if (packages.length > 0) {
    await attempt(packages.join(", "), async () => {
      const get = ["-o", "DPkg::Lock::Timeout=600", "-qq"];
      const sudo = process.getuid?.() === 0 ? [] : ["sudo"];
      /** @param {string[]} args */
      const apt = (...args) => {
        const [command, ...rest] = [...sudo, "apt-get", ...get, ...args];
        return run(command, rest);
      };
      await apt("update");
      await apt("install", "-y", "--no-install-recommends", ...packages);
    });
  }
  for (const { label, install } of missing) if (install) await attempt(label, install);
}

/**
 * The version of a Debian package.
 *
 * @param {string} name
 */
export function aptVersion(name) {
  const { stdout } = spawnSync("dpkg-query", ["--show", name], { encoding: "utf8" });
  // Without an epoch, and without Debian's own part: 2.50.6 of "name 2.50.6-1~deb12u1".
  return /\t(?:\d+:)?([^-~+]+)/.exec(stdout ?? "")?.[1] ?? "";
}

/** For `npm run check:jsr` and the examples too. */
export const deno = npm({ deno: "2.9.6" });
/** For the examples too. */
export const bun = npm({ bun: "1.4.5" });
