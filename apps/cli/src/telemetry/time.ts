import { CliError, EXIT } from '../exit-codes.js';
import { durationSeconds, wholeNumber } from '../numbers.js';
import { timeOf } from '../past.js';

/** Which time a command is about. */
export interface TimeFlags {
  readonly since?: string;
  readonly until?: string;
}

export const SINCE = '15m';
const LONGEST_S = 400 * 86_400;

/** As REST takes it. @param since `15m`, or a time such as 2026-11-23T14:02:00Z. @throws CliError that names the flag */
export function timeQuery({ since = SINCE, until }: TimeFlags): URLSearchParams {
  const query = new URLSearchParams();
  if (/^\d+(\.\d+)?[smhd]?$/.test(since)) {
    const seconds = Math.round(durationSeconds('--since', since));
    if (seconds < 1 || seconds > LONGEST_S)
      throw new CliError(`--since ${since}: from one second to 400 days`, EXIT.usage);
    query.set('since', `${seconds}s`);
  } else query.set('from', timeOf('--since', since));
  if (until !== undefined) query.set('to', timeOf('--until', until));
  return query;
}

export const limitOf = (text: string): string => String(wholeNumber('--limit', text, { min: 1, max: 500 }));
