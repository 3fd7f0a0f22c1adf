// Classes that extend those of the package: whatever name a member has, nothing inside calls it instead of its own.

import {
  CosineDecay,
  LossScaleOptimizer,
  type LossScaleOptions,
  RMSprop,
  type RMSpropOptions,
  Variable,
  type VariableOptions,
} from "rmsprop-wasm";
import { describe, expect, expectTypeOf, it } from "vitest";

const refuse = (): never => {
  throw new Error("This is nobody else's business.");
};

class MyRMSprop extends RMSprop {
  run = refuse;
  runScaled = refuse;
  check = refuse;
  rebuild = refuse;
  trained = refuse;
  runtime = refuse;
  lossScale = refuse;
  stepScaled = refuse;
  assertNotFreed = refuse;
}

class MyLossScale extends LossScaleOptimizer {
  run = refuse;
  check = refuse;
  trained = refuse;
  lossScale = refuse;
}

class MyVariable extends Variable {
  runtime = refuse;
  handle = refuse;
  assertNotFreed = refuse;
}

class MySchedule extends CosineDecay {
  evaluate = refuse;
  static keys = refuse;
}

describe("a subclass", () => {
  it("may have members of any name, and trains", () => {
    const learningRate = new MySchedule({ initialLearningRate: 0.1, decaySteps: 1000 });
    const [w, plain] = [new MyVariable([1, 2]), new Variable([1, 2])];
    const optimizer = new MyLossScale(new MyRMSprop({ learningRate }));
    const reference = new LossScaleOptimizer(new RMSprop({ learningRate: 0.1 }));
    optimizer.minimize(({ lossScale }) => w.gradient.fill(lossScale).length, [w]);
    reference.minimize(({ lossScale }) => plain.gradient.fill(lossScale).length, [plain]);
    optimizer.step();
    expect(w.value).not.toEqual(Float32Array.of(1, 2));
    const single = new MyRMSprop();
    single.apply([[1, 1]], [w]);
    single.step();
    expect([optimizer.iterations, single.iterations]).toEqual([2, 2]);
    expect(MySchedule.fromConfig(learningRate.getConfig())).toBeInstanceOf(MySchedule);
    for (const object of [single, optimizer, w]) object.free();
    expect(() => w.value).toThrow("was freed");
  });

  it("cannot declare a hyper-parameter anew, which nothing would look at", () => {
    class Fixed extends RMSprop {
      // @ts-expect-error an accessor
      override rho = 0.5;
    }
    class Own extends RMSprop {
      override get rho(): number {
        return super.rho;
      }
      override set rho(value: number) {
        super.rho = value / 2;
      }
    }
    const own = new Own();
    own.rho = 0.5;
    expect(own.getConfig().rho).toBe(0.25);
    expect(Fixed).toBeTypeOf("function");
  });

  it("may dispose of itself in its own way", () => {
    const done: string[] = [];
    class Counted extends RMSprop {
      override [Symbol.dispose](): void {
        done.push("dispose");
        super[Symbol.dispose]();
      }
      override free(): void {
        done.push("free");
        super.free();
      }
    }
    class Freed extends Variable {
      override free(): void {
        done.push("variable");
        super.free();
      }
    }
    {
      using optimizer = new Counted();
      using w = new Freed(1);
      optimizer.build([w]);
    }
    expect(done).toEqual(["variable", "dispose", "free"]);
  });

  it("is what its fromConfig makes", () => {
    class Inner extends RMSprop {
      constructor(options: RMSpropOptions = {}) {
        super({ ...options, name: "inner" });
      }
    }
    class Outer extends LossScaleOptimizer {
      readonly options: LossScaleOptions;
      constructor(inner: RMSprop, options: LossScaleOptions = {}) {
        super(inner, options);
        this.options = options;
      }
    }
    const inner = Inner.fromConfig({ rho: 0.5 });
    expectTypeOf(inner).toEqualTypeOf<Inner>();
    expect(inner).toBeInstanceOf(Inner);
    expect([inner.rho, inner.name]).toEqual([0.5, "inner"]);
    const outer = Outer.fromConfig(new LossScaleOptimizer(inner, { initialScale: 8 }).getConfig());
    expectTypeOf(outer).toEqualTypeOf<Outer>();
    expect([outer.options.initialScale, outer.innerOptimizer.rho]).toEqual([8, 0.5]);
    class Other extends RMSprop {
      constructor(rho: number) {
        super({ rho });
      }
    }
    // @ts-expect-error its constructor does not take options
    expect(() => Other.fromConfig({})).toThrow();
  });

  it("of variables says what its gradient is", () => {
    class Half extends Variable<"float16"> {
      constructor(value: number, options: VariableOptions<"float16"> = {}) {
        super(value, { ...options, gradientDtype: "float16" });
      }
    }
    expectTypeOf(new Half(1).gradient).toEqualTypeOf<Uint16Array<ArrayBuffer>>();
    class Named extends Variable {
      constructor(value: number, name: string) {
        super(value, { name });
      }
    }
    expect(new Named(1, "n").name).toBe("n");
  });
});
