// Two inputs, 16 hidden units with ReLU, one output: above 0 means inside. Its gradients, by hand.

const HIDDEN = 16;
const BATCH = 32;

/** Numbers in [-1, 1) from a seed: the same in every browser. */
function numbersFrom(seed) {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return state / 2 ** 31;
  };
}

function points(seed, count) {
  const next = numbersFrom(seed);
  return Array.from({ length: count }, () => {
    const [x, y] = [next(), next()];
    return { x, y, target: x * x + y * y < 0.5 ? 1 : -1 };
  });
}

export function createNetwork(Variable) {
  const next = numbersFrom(7);
  const kernel = new Variable(Float32Array.from({ length: 2 * HIDDEN }, next), { name: "kernel" });
  const bias = new Variable(Float32Array.from({ length: HIDDEN }, next), { name: "bias" });
  const head = new Variable(Float32Array.from({ length: HIDDEN }, next), { name: "head" });
  const offset = new Variable(0, { name: "offset" });
  const hidden = new Float32Array(HIDDEN);
  const unseen = points(1, 1000);

  function predict({ x, y }) {
    const [k, b, h] = [kernel.value, bias.value, head.value];
    let sum = offset.value[0];
    for (let i = 0; i < HIDDEN; i++) {
      hidden[i] = Math.max(0, k[i] * x + k[HIDDEN + i] * y + b[i]);
      sum += h[i] * hidden[i];
    }
    return sum;
  }

  return {
    variables: [kernel, bias, head, offset],

    /** The share of 1,000 points, never trained on, that it puts on the right side. */
    accuracy: () => unseen.filter((point) => predict(point) * point.target > 0).length / unseen.length,

    /** Of the mean squared error over the batch of a step: a batch follows from its number, so a resumed run sees the same. */
    computeGradients(step) {
      const [gk, gb, gh, go] = [kernel.gradient, bias.gradient, head.gradient, offset.gradient];
      for (const gradient of [gk, gb, gh, go]) gradient.fill(0);
      for (const point of points(step + 2, BATCH)) {
        const error = (predict(point) - point.target) / BATCH;
        go[0] += error;
        for (let i = 0; i < HIDDEN; i++) {
          gh[i] += error * hidden[i];
          if (hidden[i] === 0) continue;
          const through = error * head.value[i];
          gk[i] += through * point.x;
          gk[HIDDEN + i] += through * point.y;
          gb[i] += through;
        }
      }
    },
  };
}
