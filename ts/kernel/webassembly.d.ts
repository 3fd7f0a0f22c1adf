// The part of WebAssembly's interface that we use. TypeScript has it only in its DOM library, and these sources are to
// compile without one: that is the proof that they run where there is no DOM.

declare namespace WebAssembly {
  class Module {
    constructor(bytes: Uint8Array<ArrayBuffer>);
  }
  class Instance {
    readonly exports: object;
    constructor(module: Module, imports: object);
  }

  class Memory {
    constructor(limits: { initial: number; maximum: number; shared: true });
  }

  function compile(bytes: Uint8Array<ArrayBuffer>): Promise<Module>;
}
