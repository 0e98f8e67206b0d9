import type { FailurePage } from '#libs/telemetry';
import { table } from '../output.js';
import { duration, inline } from './numbers.js';
import { callerName } from './top.render.js';

type Failure = FailurePage['items'][number];

const LONGEST_PATH = 120;
const LONGEST_DETAILS = 200;

/** One a line: when, who whom, what became of it, and why in Envoy's words. */
export function renderFailures({ items, cursor, from, to }: FailurePage): string {
  if (items.length === 0)
    return `no failure is known from ${from} to ${to}: nothing failed, or it is not kept any more (a day unless set otherwise)`;
  const rows = items.map((failure) => [
    failure.at,
    failure.what === 'attempt' ? `attempt ${failure.attempt}` : attempts(failure.attempt),
    `${callerName(failure.caller)} → ${inline(failure.callee)}`,
    [
      inline(failure.outcome),
      ...(failure.status > 0 ? [failure.status] : []),
      ...(failure.flags ? [inline(failure.flags)] : []),
    ].join(' '),
    `${inline(failure.method)} ${inline(failure.path).slice(0, LONGEST_PATH)}`.trim(),
    duration(failure.durationMs),
    why(failure),
  ]);
  const more = cursor === undefined ? '' : '\n\nthere are more: --limit';
  return `${table(['at', 'what', 'from → to', 'failed', 'request', 'took', 'why'], rows)}${more}`;
}

const attempts = (count: number): string => (count > 1 ? `request (${count} attempts)` : 'request');

const why = ({ details, instance }: Failure): string =>
  [inline(details).slice(0, LONGEST_DETAILS), ...(instance ? [`at ${inline(instance)}`] : [])]
    .filter(Boolean)
    .join(' ');
