// Metadata of a checkpoint that are JSON.

import { CheckpointError } from "../support/errors.js";
import { show } from "../support/messages.js";

/**
 * What the text of a key says.
 *
 * @param otherwise the text that stands for a key that is not there.
 * @param rule what it must be, for the message.
 * @throws {CheckpointError} if it is no JSON, or says something else.
 */
export function parsedJson<T>(
  key: string,
  text: string | undefined,
  otherwise: string,
  isValid: (value: unknown) => value is T,
  rule: string,
): T {
  try {
    const value: unknown = JSON.parse(text ?? otherwise);
    if (isValid(value)) return value;
  } catch {
    // The same error as for JSON of something else.
  }
  throw new CheckpointError(`The checkpoint's "${key}" must be ${rule} as JSON; it is ${show(text)}.`);
}
