// A classic script: the package and the suite are globals.
/* global rmspropWasm, suite */
globalThis.report = JSON.stringify(suite(rmspropWasm));
