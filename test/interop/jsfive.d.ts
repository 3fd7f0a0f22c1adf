// jsfive has no types of its own.
declare module "jsfive" {
  export const File: new (buffer: ArrayBuffer, name: string) => unknown;
}
