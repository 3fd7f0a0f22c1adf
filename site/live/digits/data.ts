// The digits as they come from the site's own host.

import { type Example, parseExamples } from "../../../examples/digits/data.js";

const GZIP = [0x1f, 0x8b];

/** From the bytes of digits.csv.gz, or of digits.csv: hosts that know the ending unpack it on the way. */
export async function readExamples(bytes: ArrayBuffer): Promise<Example[]> {
  const isPacked = new Uint8Array(bytes, 0, 2).every((byte, i) => byte === GZIP[i]);
  const body = new Blob([bytes]).stream();
  const text = await new Response(isPacked ? body.pipeThrough(new DecompressionStream("gzip")) : body).text();
  return parseExamples(text);
}
