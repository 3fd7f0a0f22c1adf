// A classic script as a dedicated, a shared or a service worker.
/* global rmspropWasm, suite */
importScripts("rmsprop-wasm/iife", "suite.iife.js");

const answer = ({ ports: [port] }) => port.postMessage(JSON.stringify(suite(rmspropWasm)));
addEventListener("message", answer);
addEventListener("connect", ({ ports: [port] }) => {
  port.onmessage = answer;
});
