// What an error of the server or of NATS' client means. Their classes differ between versions; their texts do not.

export const textOf = (error: unknown): string => String((error as Error | undefined)?.message ?? error);

type Test = (error: unknown) => boolean;

const means =
  (pattern: RegExp): Test =>
  (error) =>
    pattern.test(textOf(error));

/** The same question can be answered later. */
export const isTransient: Test = means(
  /timeout|no responders|connection|disconnect|unavailable|not enabled|request error|draining/i,
);
export const existsAlready: Test = means(/already (in use|exists)/i);
export const isStreamMissing: Test = means(/stream not found/i);
export const isMessageMissing: Test = means(/no message found/i);
export const isFull: Test = means(/maximum|insufficient|resource limits/i);
export const isForbidden: Test = means(/permissions violation/i);
/** The subject's last message is another one than the writer knew. */
export const isConflict: Test = means(/wrong last sequence/i);
