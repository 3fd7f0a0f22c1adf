// A line that learns from its users: POST { x, y } takes one step towards that point, GET says what it has learned.
// A Durable Object holds it, since it handles one request at a time: two steps at once would lose one.

import { DurableObject } from "cloudflare:workers";
import { RMSprop, Variable } from "rmsprop-wasm";
import { load, save } from "rmsprop-wasm/checkpoint";

export class Model extends DurableObject {
  line = new Variable([0, 0], { name: "line" }); // slope and intercept
  optimizer = new RMSprop({ learningRate: 0.02 });

  constructor(state, env) {
    super(state, env);
    this.optimizer.build([this.line]);
    state.blockConcurrencyWhile(async () => {
      const saved = await state.storage.get("run");
      if (saved) load(saved, this.optimizer);
    });
  }

  async fetch(request) {
    if (request.method === "POST") {
      const { x, y } = await request.json();
      if (!(Number.isFinite(x) && Number.isFinite(y))) {
        return new Response("x and y must be finite numbers", { status: 400 });
      }
      const [slope, intercept] = this.line.value;
      const error = slope * x + intercept - y;
      this.line.gradient.set([error * x, error]);
      this.optimizer.step();
      // A value may have 128 KiB, or 2 MiB if the object is backed by SQLite.
      await this.ctx.storage.put("run", save(this.optimizer));
    }
    const [slope, intercept] = this.line.value;
    return Response.json({ steps: this.optimizer.iterations, slope, intercept });
  }
}

export default {
  fetch: (request, env) => env.MODEL.get(env.MODEL.idFromName("line")).fetch(request),
};
