// Timers, random bytes and SHA-256 of whatever host this is. Nothing here is looked at before it is needed.

/** What is used of an AbortSignal. */
export interface Signal {
  /** Whether to stop. */
  readonly aborted: boolean;
  /** Calls the listener when it is time to stop. */
  addEventListener(type: "abort", listener: () => void): void;
  /** Takes the listener back. */
  removeEventListener(type: "abort", listener: () => void): void;
}

interface Scope {
  readonly AbortController: new () => { readonly signal: Signal; abort(): void };
  readonly crypto?: {
    getRandomValues(bytes: Uint8Array): Uint8Array;
    readonly subtle?: { digest(name: string, bytes: Uint8Array): Promise<ArrayBuffer> };
  };
  readonly performance: { now(): number };
  setTimeout(call: () => void, milliseconds: number): unknown;
  clearTimeout(timer: unknown): void;
}

const scope = (): Scope => globalThis as unknown as Scope;

export const newAbortController = (): { readonly signal: Signal; abort(): void } => new (scope().AbortController)();

/** Calls when a signal is aborted, or now if it is; returns what takes that back. */
export function onAbort(signal: Signal | undefined, call: () => void): () => void {
  signal?.addEventListener("abort", call);
  if (signal?.aborted) call();
  return () => signal?.removeEventListener("abort", call);
}

/** Milliseconds of a clock that nobody sets: a wall clock that is corrected would make stalls, or hide them. */
export const now = (): number => scope().performance.now();

/** Calls back once, after this time, unless the returned function is called before. */
export function after(milliseconds: number, call: () => void): () => void {
  const { setTimeout, clearTimeout } = scope();
  const timer = setTimeout.call(globalThis, call, milliseconds);
  return () => clearTimeout.call(globalThis, timer);
}

export const sleep = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => void after(milliseconds, resolve));

/** The result of `promise`, or after this time that of `late`. */
export async function within<T, U>(milliseconds: number, promise: Promise<T>, late: () => U): Promise<T | U> {
  let cancel = () => {};
  const timer = new Promise<void>((resolve) => {
    cancel = after(milliseconds, resolve);
  });
  try {
    const first = await Promise.race([promise.then((value) => ({ value })), timer]);
    return first ? first.value : late();
  } finally {
    cancel();
  }
}

/** 16 random bytes as 32 hexadecimal digits: no two attempts ever share them. */
export function randomId(): string {
  const bytes = new Uint8Array(16);
  scope().crypto?.getRandomValues(bytes);
  return toHex(bytes);
}

/** SHA-256 in hexadecimal digits. */
export async function sha256(bytes: Uint8Array): Promise<string> {
  const subtle = scope().crypto?.subtle;
  if (!subtle) throw new Error("A replica needs crypto.subtle, which pages have only over https and on localhost.");
  return toHex(new Uint8Array(await subtle.digest("SHA-256", bytes)));
}

export function toHex(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += (byte + 256).toString(16).slice(1);
  return text;
}

export function fromHex(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length: text.length / 2 }, (_, i) => Number.parseInt(text.slice(2 * i, 2 * i + 2), 16));
}
