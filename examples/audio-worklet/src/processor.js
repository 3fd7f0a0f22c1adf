// An adaptive filter: predicts from what was played what the microphone hears, and gives what is left. One step of RMSprop
// per block of 128 samples. A step allocates nothing, so it never waits for a garbage collector.

import { RMSprop, Variable } from "rmsprop-wasm";

const TAPS = 32;

class EchoCanceller extends AudioWorkletProcessor {
  taps = new Variable(new Float32Array(TAPS), { name: "taps" });
  optimizer = new RMSprop({ learningRate: (step) => Math.max(1e-5, 0.01 * 0.99 ** step), rho: 0.99 });
  recent = new Float32Array(TAPS); // the last samples that were played, the newest at `newest`
  newest = 0;

  constructor() {
    super();
    this.optimizer.build([this.taps]);
  }

  process([[played, heard]], [[output]]) {
    if (!heard) return false;
    const { value, gradient } = this.taps;
    gradient.fill(0);
    for (let i = 0; i < output.length; i++) {
      this.newest = (this.newest + 1) % TAPS;
      this.recent[this.newest] = played[i];
      let left = heard[i];
      for (let k = 0; k < TAPS; k++) left -= value[k] * this.recent[(this.newest - k + TAPS) % TAPS];
      for (let k = 0; k < TAPS; k++)
        gradient[k] -= (left * this.recent[(this.newest - k + TAPS) % TAPS]) / output.length;
      output[i] = left;
    }
    this.optimizer.step();
    return true;
  }
}

registerProcessor("echo-canceller", EchoCanceller);
