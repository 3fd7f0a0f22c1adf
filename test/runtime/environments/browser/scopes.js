// Starts the scope that the address names (scopes.html?module-worker) and lets the suite run in it. Every scope answers a
// message on the port that comes with it.

function ask(scope) {
  const { port1, port2 } = new MessageChannel();
  return new Promise((resolve, reject) => {
    port1.onmessage = ({ data }) => resolve(data);
    scope.onerror = ({ message }) => reject(new Error(`the scope could not be started: ${message}`));
    (scope.port ?? scope).postMessage(null, [port2]);
  });
}

async function serviceWorker(script, options) {
  await navigator.serviceWorker.register(script, options);
  const { active } = await navigator.serviceWorker.ready;
  return ask(active);
}

const scopes = {
  "module-worker": () => ask(new Worker("worker.js", { type: "module" })),
  "classic-worker": () => ask(new Worker("worker.classic.js")),
  "shared-worker": () => ask(new SharedWorker("worker.js", { type: "module" })),
  "classic-shared-worker": () => ask(new SharedWorker("worker.classic.js")),
  "service-worker": () => serviceWorker("worker.js", { type: "module" }),
  "classic-service-worker": () => serviceWorker("worker.classic.js"),

  async "audio-worklet"() {
    const context = new OfflineAudioContext(1, 128, 44100);
    await context.audioWorklet.addModule("worklet.js");
    const answer = ask(new AudioWorkletNode(context, "suite"));
    context.startRendering();
    return answer;
  },

  // Its origin is opaque: no storage, no cookies, nothing of the page's.
  "sandboxed-frame"() {
    const frame = document.createElement("iframe");
    frame.sandbox = "allow-scripts";
    frame.srcdoc = '<script type="module" src="frame.js"></script>';
    return new Promise((resolve) => {
      addEventListener("message", ({ source, origin, data }) => {
        if (source === frame.contentWindow && origin === "null") resolve(data);
      });
      document.body.append(frame);
    });
  },
};

globalThis.report = scopes[location.search.slice(1)]();
