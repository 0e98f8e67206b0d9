import { storable } from '../audit/columns.js';
import type { Database } from '../database.js';
import { ALIVE_MS } from '../delivery/progress.repository.js';
import { DETACHED_FOR_MS, DETACHED_TOO_LONG, REPLICA_LEASE_MS } from '../instances/sweep.js';
import { NOW_MS } from '../sql-time.js';
import type { AlertFacts, AlertObservation, AlertSources, ProxyPlace } from './alert.port.js';

const MOST = 1_000;
/** What a replica has not said again for so long is no more. Milliseconds. */
const OBSERVED_MS = 60_000;

const OBSERVE = `
INSERT INTO alert_observation (mesh, replica, refusing, behind, at)
SELECT o.mesh, $2, o.refusing, o.behind, clock_timestamp()
FROM json_to_recordset($1::json) AS o(mesh text, refusing json, behind json)
ON CONFLICT (mesh, replica) DO UPDATE SET refusing = EXCLUDED.refusing, behind = EXCLUDED.behind, at = EXCLUDED.at`;
const FORGET = 'DELETE FROM alert_observation WHERE replica = $1 AND NOT mesh = ANY ($2)';

// The key of the audit's checkpoints is replaced when it ends, by whoever signs next: nobody has to do anything.
const AUTHORITIES = `
SELECT mesh, purpose, not_after - ${NOW_MS} AS "leftMs" FROM authority
WHERE active AND mesh IN ($1, '') AND purpose IN ('root', 'intermediate', 'server-root', 'token-signing')
ORDER BY mesh, purpose`;

// Of a connected instance the newest certificate, if less of its life is left than is asked for; those with the least first.
const CERTIFICATES = `
SELECT i.namespace, i.workload, i.name AS instance, c.not_after - ${NOW_MS} AS "leftMs",
  c.not_after - c.not_before AS "lifeMs"
FROM instance i CROSS JOIN LATERAL (
  SELECT not_before, not_after FROM issued_certificate c
  WHERE c.mesh = i.mesh AND c.instance = i.name AND split_part(c.spiffe_id, '/', 4) = i.namespace
  ORDER BY not_after DESC LIMIT 1
) c
WHERE i.mesh = $1 AND i.attached <> '[]'::jsonb
  AND (c.not_after - ${NOW_MS}) * 100 < (c.not_after - c.not_before) * $2::float8
ORDER BY (c.not_after - ${NOW_MS})::float8 / greatest(c.not_after - c.not_before, 1), i.namespace, i.name LIMIT ${MOST}`;

// One that was dropped has left no workload behind: its certificates name it.
const OFFLINE = `
SELECT namespace, workload, name AS instance, ${NOW_MS} - detached_at AS "forMs"
FROM instance WHERE mesh = $1 AND NOT leaving AND detached_at > 0 AND attached = '[]'::jsonb
UNION ALL
SELECT e.namespace, coalesce(c.workload, ''), e.name,
  (extract(epoch FROM clock_timestamp() - e.at) * 1000)::bigint + ${DETACHED_FOR_MS}
FROM (
  SELECT DISTINCT ON (uid) * FROM instance_event
  WHERE mesh = $1 AND at > now() - interval '1 hour' AND op = 'remove' ORDER BY uid, runtime_revision DESC, position DESC
) e LEFT JOIN LATERAL (
  SELECT split_part(spiffe_id, '/', 5) AS workload FROM issued_certificate c
  WHERE c.mesh = e.mesh AND c.instance = e.name AND split_part(c.spiffe_id, '/', 4) = e.namespace
  ORDER BY not_after DESC LIMIT 1
) c ON true
WHERE e.detail = '${DETACHED_TOO_LONG}'
  AND NOT EXISTS (SELECT 1 FROM instance i WHERE i.mesh = e.mesh AND i.namespace = e.namespace AND i.name = e.name)
ORDER BY 1, 2, 3 LIMIT ${MOST}`;

const OBSERVATIONS = `
SELECT o.mesh, o.refusing, o.behind FROM alert_observation o JOIN replica r USING (replica)
WHERE o.mesh = $1 AND o.at > clock_timestamp() - ${OBSERVED_MS} * interval '1 millisecond' AND r.seen_at > ${NOW_MS} - ${REPLICA_LEASE_MS}
ORDER BY o.replica`;

// One that stopped in good order delivers no more.
const SILENT = `
SELECT replica, ${NOW_MS} - seen_at AS "forMs" FROM replica
WHERE delivers <> '' AND seen_at < ${NOW_MS} - ${ALIVE_MS} ORDER BY replica LIMIT ${MOST}`;

/** What there is to be alarmed about, from what the store knows anyway. */
export class AlertSourceRepository implements AlertSources {
  constructor(
    private readonly database: Database,
    private readonly replica: string,
  ) {}

  async observe(seen: readonly AlertObservation[]): Promise<void> {
    const rows = seen.map(({ mesh, refusing, behind }) => ({
      mesh,
      refusing: refusing.slice(0, MOST).map((one) => ({ ...one, message: storable(one.message) })),
      behind: behind.slice(0, MOST),
    }));
    const meshes = seen.map(({ mesh }) => mesh);
    if (rows.length > 0) await this.database.query(OBSERVE, [JSON.stringify(rows), this.replica]);
    await this.database.query(FORGET, [this.replica, meshes]);
  }

  async facts(mesh: string, expiring: number): Promise<AlertFacts> {
    const [authorities, certificates, observations, offline] = [
      await this.database.query<AlertFacts['authorities'][number]>(AUTHORITIES, [mesh]),
      expiring > 0 ? await this.database.query<AlertFacts['certificates'][number]>(CERTIFICATES, [mesh, expiring]) : [],
      await this.database.query<AlertObservation>(OBSERVATIONS, [mesh]),
      await this.database.query<ProxyPlace & { forMs: number }>(OFFLINE, [mesh]),
    ];
    return { authorities, certificates, observations, offline };
  }

  silentReplicas(): Promise<readonly { readonly replica: string; readonly forMs: number }[]> {
    return this.database.query<{ replica: string; forMs: number }>(SILENT);
  }
}
