import { compareCodeUnits } from '#libs/kernel';
import { type ResourceId, resourceKey } from '#libs/model';
import type { Sql } from '../database.js';
import type { Step } from './evaluate.js';
import { Raced, Refused } from './refused.js';

/** Kinds that may claim host names: of others nobody has to look for earlier claims. */
const CLAIMING = new Set(['Service', 'ExternalService']);

const HOLDER = `
SELECT COALESCE(r.kind, '') AS kind, COALESCE(r.namespace, '') AS namespace, COALESCE(r.name, '') AS name
FROM hostname h LEFT JOIN resource r USING (uid) WHERE h.mesh = $1 AND h.hostname = $2`;

// In code-unit order, so that two requests that claim the same names cannot lock each other out.
const CLAIM = `
INSERT INTO hostname (mesh, hostname, uid)
SELECT $1, c.hostname, c.uid FROM unnest($2::text[], $3::text[]) WITH ORDINALITY AS c(hostname, uid, position)
ORDER BY c.position
ON CONFLICT DO NOTHING
RETURNING hostname`;

/**
 * Replaces the host names that the changed resources claim. All old claims go first, so that a name can move from one
 * resource to another within a request.
 * @throws Refused `hostname-taken`, with the resource that holds the name; Raced
 */
export async function claimHostnames(sql: Sql, mesh: string, changes: readonly Step[]): Promise<void> {
  await forgetEarlier(sql, changes);
  const claims = changes
    .flatMap((step) => step.hostnames.map((hostname) => ({ hostname: hostname.toLowerCase(), step })))
    .sort((a, b) => compareCodeUnits(a.hostname, b.hostname));
  if (claims.length === 0) return;
  const double = claims.find((claim, index) => claim.hostname === claims[index - 1]?.hostname);
  if (double !== undefined) {
    const { namespace, name } = claims.find((claim) => claim.hostname === double.hostname)?.step ?? double.step;
    throw new Refused({ code: 'hostname-taken', hostname: double.hostname, namespace, name });
  }
  const names = claims.map((claim) => claim.hostname);
  const taken = await sql.query<{ hostname: string }>(CLAIM, [mesh, names, claims.map((claim) => claim.step.uid)]);
  if (taken.length === names.length) return;
  const got = new Set(taken.map((row) => row.hostname));
  const lost = names.find((name) => !got.has(name)) ?? '';
  const [holder] = await sql.query<ResourceId>(HOLDER, [mesh, lost]);
  const claimant = claims.find((claim) => claim.hostname === lost)?.step;
  // The holder is the very resource that this request is about to create: tried again, it is found and updated.
  if (holder !== undefined && claimant !== undefined && resourceKey(holder) === resourceKey(claimant))
    throw new Raced();
  throw new Refused({
    code: 'hostname-taken',
    hostname: lost,
    namespace: holder?.namespace ?? '',
    name: holder?.name ?? '',
  });
}

/** Claims of before. @throws Error for a kind that is not known to claim: those of before would stay for ever */
async function forgetEarlier(sql: Sql, changes: readonly Step[]): Promise<void> {
  const stray = changes.find(({ kind, hostnames }) => hostnames.length > 0 && !CLAIMING.has(kind));
  if (stray) throw new Error(`${stray.kind} claims host names: it belongs among the kinds that may`);
  const earlier = changes.filter(({ op, kind }) => op !== 'created' && CLAIMING.has(kind));
  if (earlier.length === 0) return;
  await sql.query('DELETE FROM hostname WHERE uid = ANY($1::text[])', [earlier.map((step) => step.uid)]);
}
