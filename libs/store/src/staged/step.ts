import { canonicalJson } from '#libs/kernel';
import { type AuditPayload, sha256 } from '../audit/chain.js';
import { insertEntry, nextEntry } from '../audit/chain-sql.js';
import { columnsOf } from '../audit/columns.js';
import type { Sql } from '../database.js';
import { FEED_CHANNEL } from '../feed/channel.js';
import { STAGED_KIND } from './write.js';

/**
 * A config revision for a step that writes no resource: entry of the audit chain, log for the feed and notice, in one
 * statement, for the reason of `COMMIT_CHANGE`. $1 payload, $2 its hash, $3 mesh, $4 id of the staged change.
 */
const STEP = `
WITH rev AS (
  ${nextEntry({ payloadHash: '$2::text', revision: 'next' })}
), moved AS (
  UPDATE staged_change s SET revision = rev.revision FROM rev WHERE s.number = $8
), logged AS (
  INSERT INTO change_log (stream, revision, position, op, uid, mesh, kind, namespace, name)
  SELECT 'config', revision, 0, 'put', $4, $3, '${STAGED_KIND}', '', $4 FROM rev
), audited AS (
${insertEntry({
  ...{ from: 'rev', decision: "'applied'", payload: '$1', payloadHash: '$2' },
  ...{ action: '$5', mesh: '$3', actor: '$6', subjects: '$7::text[]' },
})}
)
SELECT revision, pg_notify('${FEED_CHANNEL}', 'config:' || revision || $9::text)::text FROM rev`;

/** Where a step is written, and in which trace. */
export interface Stepping {
  readonly sql: Sql;
  /** `traceparent` that those who hear of it go on with. */
  readonly trace: string | undefined;
}

export type StepPayload = Omit<AuditPayload, 'action' | 'decision' | 'items'> & {
  readonly staged: NonNullable<AuditPayload['staged']>;
};

/**
 * Takes a config revision for a step of the staged change with this number.
 * @returns the revision
 */
export async function takeStep({ sql, trace }: Stepping, number: number, about: StepPayload): Promise<number> {
  const audited: AuditPayload = { ...about, action: 'staged', decision: 'applied', items: [] };
  const payload = canonicalJson(audited);
  const { action, mesh, actor, subjects } = columnsOf(audited);
  const [row] = await sql.query<{ revision: number }>(STEP, [
    ...[payload, sha256(payload), mesh, about.staged.id],
    ...[action, actor, subjects, number],
    trace === undefined ? '' : ` ${trace}`,
  ]);
  if (row === undefined) throw new Error('the stream of config is missing');
  return row.revision;
}
