import { hostname } from 'node:os';
import pino, { type DestinationStream, type Logger } from 'pino';
import type { Log, LogFields } from '#libs/kernel';
import { dropWhenBlocked } from './drop-when-blocked.js';

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export interface LogOptions {
  /** Least level that is written. */
  readonly level: LogLevel;
  /** Receives whole lines and must not block. Default: standard output, where lines are dropped while nobody reads. */
  readonly destination?: DestinationStream;
  /** Called with the number of lines dropped so far when the default destination drops one (REL-35). */
  readonly onDropped?: (total: number) => void;
  /** Further fields of every line, of the moment: the ids of the span that it is written in. */
  readonly context?: (() => object | undefined) | undefined;
}

/**
 * Heddle's logger: one JSON object a line, `{level, time, host, message, ...fields}`, time in milliseconds since the
 * epoch. It never waits: a reader that has stopped costs lines, not requests (REL-35). An `Error` in a field is
 * written as its type, message, stack and causes.
 */
export function createLog(options: LogOptions): Log {
  const destination = options.destination ?? dropWhenBlocked(process.stdout, options.onDropped);
  const logger = pino(
    {
      level: options.level,
      base: { host: hostname() },
      messageKey: 'message',
      timestamp: () => `,"time":${Date.now()}`,
      formatters: { level: (label) => ({ level: label }) },
      ...(options.context === undefined ? {} : { mixin: () => options.context?.() ?? {} }),
    },
    destination,
  );
  return wrap(logger);
}

function wrap(logger: Logger): Log {
  return {
    debug: (message, fields) => logger.debug(printable(fields), message),
    info: (message, fields) => logger.info(printable(fields), message),
    warn: (message, fields) => logger.warn(printable(fields), message),
    error: (message, fields) => logger.error(printable(fields), message),
    child: (fields) => wrap(logger.child(printable(fields))),
  };
}

/** Our own members of a line; a field of one of these names gets an underscore, so that a line never says one thing twice. */
const TAKEN = new Set(['level', 'time', 'host', 'message']);

/** Plain values of the fields, with errors spelt out: JSON would print them as `{}`. */
function printable(fields: LogFields | undefined): Record<string, unknown> {
  if (!fields) return {};
  return Object.fromEntries(
    Object.entries(fields).map(([key, value]) => [
      TAKEN.has(key) ? `${key}_` : key,
      value instanceof Error ? describe(value, 0) : value,
    ]),
  );
}

const MOST_CAUSES = 5;

function describe(error: Error, depth: number): Record<string, unknown> {
  const { name, message, stack, cause } = error;
  const described = { type: name, message, stack };
  if (cause === undefined || depth >= MOST_CAUSES) return described;
  return { ...described, cause: cause instanceof Error ? describe(cause, depth + 1) : cause };
}
