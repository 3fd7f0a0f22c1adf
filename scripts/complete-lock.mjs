// Run by hand after `npm install` has changed package-lock.json: adds the platform packages (…-darwin-arm64, …) that it
// left out because the registry in use does not carry them. Without them `npm ci` rejects the lock file that npm itself
// has just written (npm/cli#9846), here and on those platforms. Their versions are exact in the packages that ask for
// them; os, cpu and libc, from which npm knows what to skip, are in their names.
import { readFileSync, writeFileSync } from "node:fs";

const path = new URL("../package-lock.json", import.meta.url);
const lock = JSON.parse(readFileSync(path, "utf8"));

const known = {
  os: ["aix", "android", "darwin", "freebsd", "linux", "netbsd", "openbsd", "openharmony", "sunos", "win32"],
  cpu: ["arm", "arm64", "ia32", "loong64", "mips64el", "ppc64", "riscv64", "s390x", "wasm32", "x64"],
};
const libc = { musl: "musl", musleabihf: "musl", gnu: "glibc", gnueabihf: "glibc" };

function platform(name) {
  const words = name.split(/[-/]/);
  const os = words.filter((word) => known.os.includes(word));
  const cpu = words.filter((word) => known.cpu.includes(word));
  const c = os.includes("linux") ? words.flatMap((word) => libc[word] ?? []) : [];
  if (cpu.length !== 1 || (os.length !== 1 && cpu[0] !== "wasm32")) throw new Error(`${name}: which platform is this?`);
  return { cpu, ...(c.length && { libc: c }), ...(os.length && { os }) };
}

const added = [];
for (const [parent, { optionalDependencies = {}, dev }] of Object.entries(lock.packages)) {
  for (const [name, version] of Object.entries(optionalDependencies)) {
    const entry = `node_modules/${name}`;
    if (lock.packages[entry]?.version ?? lock.packages[`${parent}/${entry}`]?.version) continue;
    if (!/^\d[\w.+-]*$/.test(version)) throw new Error(`${name}@${version}: not an exact version`);
    lock.packages[entry] = { version, ...platform(name), ...(dev && { dev }), optional: true };
    added.push(name);
  }
}

lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : 1)));
writeFileSync(path, `${JSON.stringify(lock, null, 2)}\n`);
console.log(`${added.length} platform packages added.`);
