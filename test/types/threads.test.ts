// The types of threads: a runtime like others, with a count, and an end.
import { type Runtime, Variable } from "rmsprop-wasm";
import { createThreadedRuntime, type ThreadedRuntime, type ThreadedRuntimeOptions } from "rmsprop-wasm/threads";
import { expectTypeOf, it } from "vitest";

it("a threaded runtime is a runtime", async () => {
  expectTypeOf<ThreadedRuntime>().toExtend<Runtime>();
  expectTypeOf<Runtime>().not.toExtend<ThreadedRuntime>();
  expectTypeOf<ThreadedRuntime["threads"]>().toEqualTypeOf<number>();
  expectTypeOf(createThreadedRuntime).parameter(0).toEqualTypeOf<ThreadedRuntimeOptions>();
  expectTypeOf(createThreadedRuntime).returns.resolves.toEqualTypeOf<ThreadedRuntime>();
  using runtime = await createThreadedRuntime({ threads: 1, worker: undefined });
  expectTypeOf(new Variable(1, { runtime })).toEqualTypeOf<Variable>();
});

it("has one option that must be given", () => {
  // @ts-expect-error how many threads?
  void ((): ThreadedRuntimeOptions => ({}));
  // @ts-expect-error the form is not a choice here
  void ((): ThreadedRuntimeOptions => ({ threads: 2, backend: "js" }));
});
