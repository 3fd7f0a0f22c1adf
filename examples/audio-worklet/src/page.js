// Plays noise into a room with two echoes, and lets the worklet take the echoes away. Rendered offline: it needs no click.

const RATE = 44_100;
const SECONDS = 2;

const length = RATE * SECONDS;
const context = new OfflineAudioContext(1, length, RATE);
await context.audioWorklet.addModule("processor.js");

// What the loudspeaker plays, and what the microphone hears of it.
const sound = context.createBuffer(2, length, RATE);
const [played, heard] = [sound.getChannelData(0), sound.getChannelData(1)];
let state = 1;
for (let i = 0; i < length; i++) {
  state = (Math.imul(state, 1664525) + 1013904223) | 0;
  played[i] = state / 2 ** 32;
  heard[i] = 0.6 * (played[i - 7] ?? 0) - 0.3 * (played[i - 20] ?? 0);
}

const source = new AudioBufferSourceNode(context, { buffer: sound });
const canceller = new AudioWorkletNode(context, "echo-canceller", {
  channelCount: 2,
  channelCountMode: "explicit",
  outputChannelCount: [1],
});
source.connect(canceller).connect(context.destination);
source.start();
const left = (await context.startRendering()).getChannelData(0);

const power = (samples) => samples.reduce((sum, x) => sum + x * x, 0) / samples.length;
const tail = (samples) => samples.subarray(length - RATE / 10);
const decibels = 10 * Math.log10(power(tail(heard)) / power(tail(left)));
document.querySelector("#result").textContent = `After ${SECONDS} s the echo is ${decibels.toFixed(0)} dB quieter.`;
