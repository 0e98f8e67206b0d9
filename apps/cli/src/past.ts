import { lengthMs, systemClock } from '#libs/kernel';
import type { Session } from './command.js';
import { CliError, EXIT } from './exit-codes.js';
import { findKind } from './kinds.js';

/** What commands about the past filter by. */
export interface PastFlags {
  readonly actor?: string;
  readonly since?: string;
  readonly until?: string;
}

/** A time, or how long ago. @returns RFC 3339, UTC. @throws CliError that names the flag */
export function timeOf(flag: string, text: string): string {
  const ago = lengthMs(text);
  const at = ago === undefined ? Date.parse(text) : systemClock.now() - ago;
  if (!Number.isNaN(at)) return new Date(at).toISOString();
  throw new CliError(`${flag} ${text}: a time such as 2026-11-23T14:02:00Z, or how long ago: 30m, 2h, 7d`, EXIT.usage);
}

/** The query of a request about the past. @param resource `KIND/name`, in the session's namespace */
export function pastQuery(s: Session, flags: PastFlags, resource?: string): URLSearchParams {
  const query = new URLSearchParams();
  if (flags.actor !== undefined) query.set('actor', flags.actor);
  if (flags.since !== undefined) query.set('since', timeOf('--since', flags.since));
  if (flags.until !== undefined) query.set('until', timeOf('--until', flags.until));
  if (resource === undefined) return query;
  const [, kindName, name] = /^([^/]+)\/(.+)$/.exec(resource) ?? [];
  if (kindName === undefined || name === undefined)
    throw new CliError(`${resource}: write KIND/name, such as service/orders`, EXIT.usage);
  const { kind, scope } = findKind(kindName);
  query.set('kind', kind);
  if (scope === 'namespace') query.set('namespace', s.context.namespace);
  query.set('name', name);
  return query;
}

export interface Touched {
  readonly op: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}

const MOST_LINES = 10;

/** Resources that a change touched, one a line; a long list is cut. @param hidden those that the caller may not read */
export function touchedLines(items: readonly Touched[], hidden = 0): string {
  const lines = items
    .slice(0, MOST_LINES)
    .map(({ op, kind, namespace, name }) => `${op} ${kind} ${namespace ? `${namespace}/` : ''}${name}`);
  const more = items.length - lines.length + hidden;
  return [...lines, ...(more > 0 ? [`and ${more} more`] : [])].join('\n');
}
