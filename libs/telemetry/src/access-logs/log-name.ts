/** The logs that sidecars are told to write: the caller's of requests and of attempts, the callee's of what it served. */
export type LogKind = 'request' | 'attempt' | 'served';

export interface LogName {
  readonly kind: LogKind;
  /** One of so many requests without failure is in the log. */
  readonly oneOf: number;
}

/** `request;1/16`: which log, and its sample. */
const NAME = /^(request|attempt|served);1\/(1|2|4|8|16|32|64|128|256)$/;
export const MAX_LOG_NAME = 32;

/** Undefined for a log of another name: nobody here has asked for it. */
export function parseLogName(name: string): LogName | undefined {
  const [, kind, oneOf] = NAME.exec(name) ?? [];
  return isLogKind(kind) ? { kind, oneOf: Number(oneOf) } : undefined;
}

const isLogKind = (kind: string | undefined): kind is LogKind =>
  kind === 'request' || kind === 'attempt' || kind === 'served';
