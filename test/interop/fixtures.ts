// The recorded files of other libraries (make_keras.py, make_pytorch.py), as they were written.
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";

const read = (name: string) => readFileSync(new URL(`fixtures/${name}`, import.meta.url));

export const fixture = (name: string): Uint8Array => gunzipSync(read(`${name}.gz`));

export const expectations = <T>(name: string): T => JSON.parse(read(`${name}.json`).toString()) as T;

/** An array as the scripts write it. */
export interface Recorded {
  readonly path: string;
  readonly shape: readonly number[];
  readonly dtype: string;
  readonly b64: string;
}

export const bytesOf = ({ b64 }: Recorded) => Buffer.from(b64, "base64").toString("hex");

/** The same of an array of ours. */
export const hex = (values: Float32Array | Int32Array) => Buffer.from(values.slice().buffer).toString("hex");
