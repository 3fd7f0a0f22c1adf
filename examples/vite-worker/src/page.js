// The page shows what the worker says: nothing here blocks.

const worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
const progress = document.querySelector("#progress");
const result = document.querySelector("#result");

worker.onmessage = ({ data: { step, steps, accuracy } }) => {
  progress.value = step;
  const share = `${(100 * accuracy).toFixed(1)} % of new points`;
  result.textContent = step === steps ? `Done: ${share} are on the right side.` : `Step ${step}: ${share}`;
};
worker.onerror = ({ message }) => {
  result.textContent = `The worker failed: ${message}`;
};

document.querySelector("#anew").onclick = () => {
  progress.value = 0;
  worker.postMessage("anew");
};
