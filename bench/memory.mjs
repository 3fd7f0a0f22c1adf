// Where memory goes: bytes of linear memory beyond values, gradients and the slots in use. Counted, not timed.
import { createRuntime, RMSprop, Variable } from "rmsprop-wasm";

const shapes = [
  { title: "default", options: {}, slots: 1 },
  { title: "momentum, centered", options: { momentum: 0.9, centered: true }, slots: 3 },
  {
    title: "all slots",
    options: { momentum: 0.9, centered: true, useEma: true, gradientAccumulationSteps: 2 },
    slots: 5,
  },
];

export function memory() {
  return [1024, 2 ** 20, 2 ** 24].flatMap((size) =>
    shapes.map(({ title, options, slots }) => {
      const runtime = createRuntime();
      const empty = runtime.byteLength;
      const variable = new Variable(new Float32Array(size), { runtime });
      const optimizer = new RMSprop(options);
      optimizer.build([variable]);
      const bytes = runtime.byteLength;
      optimizer.free();
      variable.free();
      return { title, parameters: size, slots, bytes, beyond: bytes - 4 * size * (2 + slots), empty };
    }),
  );
}
