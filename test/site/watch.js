// Put before every other script of a page: notes what a user would find in the console.
globalThis.siteErrors = [];
addEventListener(
  "error",
  ({ message, error, target }) => {
    // Firefox calls a prefetch failed that the server forbids to keep, as the tests' own does. Nobody notices.
    if (target.rel === "prefetch") return;
    siteErrors.push(`error: ${message ?? target.outerHTML} ${error?.stack ?? ""}`);
  },
  true,
);
addEventListener("unhandledrejection", ({ reason }) => siteErrors.push(`rejection: ${reason}`));
addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI, sourceFile }) => {
  // The package asks whether it may compile, and is answered so.
  if (blockedURI !== "wasm-eval") siteErrors.push(`policy: ${violatedDirective} ${blockedURI} ${sourceFile}`);
});
for (const level of ["error", "warn"]) {
  const write = console[level];
  console[level] = (...words) => {
    siteErrors.push(`${level}: ${words.join(" ")}`);
    write.apply(console, words);
  };
}
