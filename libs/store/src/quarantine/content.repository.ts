import type { AuditPayload } from '../audit/chain.js';
import { storable } from '../audit/columns.js';
import type { Database, Sql } from '../database.js';
import { requireLease } from '../leases/lease.js';
import type { Actor, Lease } from '../ports.js';
import { type Announced, announce, SYSTEM } from './announce.js';
import type { BadContent, BadContents, ContentReport, FormerContent } from './content.port.js';

interface Row extends Omit<BadContent, 'at' | 'instead'> {
  readonly at: Date;
  readonly instead: (Omit<FormerContent, 'bytes'> & { readonly bytes: string }) | null;
}

const COLUMNS = 'id, mesh, key, version, type, name, proxies, hosts, reason, instead, everywhere, at';
const LIST = `SELECT ${COLUMNS} FROM bad_content`;
/** Proxies that are named; more say nothing new. */
const MOST_PROXIES = 100;
const REPORT = `
INSERT INTO bad_content AS c (mesh, key, version, type, name, proxies, hosts, reason, instead)
VALUES ($1, $2, $3, $4, $5, ARRAY[$6], ARRAY[$7], $8, $9::json)
ON CONFLICT (mesh, key, version) DO UPDATE SET instead = coalesce(c.instead, $9::json),
  proxies = CASE WHEN $6 = ANY (c.proxies) OR cardinality(c.proxies) >= ${MOST_PROXIES} THEN c.proxies ELSE c.proxies || $6::text END,
  hosts = CASE WHEN $7 = ANY (c.hosts) OR cardinality(c.hosts) >= ${MOST_PROXIES} THEN c.hosts ELSE c.hosts || $7::text END
RETURNING ${COLUMNS}`;
const MAKE_COMMON = `UPDATE bad_content SET everywhere = true WHERE id = $1`;
const FORGET = `DELETE FROM bad_content WHERE id = ANY ($1) RETURNING ${COLUMNS}`;
const RELEASE = `DELETE FROM bad_content WHERE mesh = $1 AND id = $2 RETURNING ${COLUMNS}`;
// Held before the row of the stream is, as writers do. What is said of contents is read again with the Mesh.
const MESH = `
SELECT uid, mesh, kind, namespace, name FROM resource WHERE mesh = $1 AND kind = 'Mesh' AND namespace = '' AND name = $1
FOR KEY SHARE`;

/** Two hosts, so that one hostile or broken proxy has no veto. */
const HOSTS = 2;

function toContent({ at, instead, ...row }: Row): BadContent {
  const former = instead && { ...instead, bytes: new Uint8Array(Buffer.from(instead.bytes, 'base64')) };
  return { ...row, at: at.toISOString(), instead: former ?? undefined };
}

/** What the feed hands over: those of all meshes. */
export const readContents = async (sql: Sql): Promise<readonly BadContent[]> =>
  (await sql.query<Row>(`${LIST} ORDER BY mesh, key, version`)).map(toContent);

const told = ({ id, key, version, type, name, proxies, hosts }: Row) => ({
  ...{ id, key, version, type, name, proxies, hosts },
});

async function say(sql: Sql, row: Row, payload: Pick<AuditPayload, 'action' | 'actor' | 'message'>): Promise<void> {
  const [mesh] = await sql.query<Announced>(MESH, [row.mesh]);
  if (mesh) await announce(sql, mesh, { ...payload, reason: told(row) });
}

export class ContentRepository implements BadContents {
  constructor(private readonly database: Database) {}

  async list(mesh: string): Promise<readonly BadContent[]> {
    return (await this.database.query<Row>(`${LIST} WHERE mesh = $1 ORDER BY key, version`, [mesh])).map(toContent);
  }

  report(report: ContentReport): Promise<BadContent> {
    return this.database.transaction(async (sql) => {
      const { mesh, key, version, type, name, proxy, host, reason, instead, mayBeCommon } = report;
      const former = instead && { ...instead, bytes: Buffer.from(instead.bytes).toString('base64') };
      const [row] = await sql.query<Row>(REPORT, [
        ...[mesh, key, version, type, storable(name), storable(proxy), storable(host), storable(reason)],
        former ? JSON.stringify(former) : null,
      ]);
      if (row === undefined) throw new Error(`the content of ${key} was not noted`);
      if (row.everywhere || !mayBeCommon || row.hosts.length < HOSTS) return toContent(row);
      await sql.query(MAKE_COMMON, [row.id]);
      const message = `${row.hosts.length} hosts died of ${row.name}: nobody is sent this content any more`;
      await say(sql, row, { action: 'quarantine', actor: SYSTEM, message });
      return toContent({ ...row, everywhere: true });
    });
  }

  forget(lease: Lease, ids: readonly string[]): Promise<number> {
    return this.database.transaction(async (sql) => {
      await requireLease(sql, lease);
      const rows = await sql.query<Row>(FORGET, [ids]);
      for (const row of rows.filter(({ everywhere }) => everywhere)) {
        const message = `${row.name} has another content by now`;
        await say(sql, row, { action: 'quarantine-release', actor: SYSTEM, message });
      }
      return rows.length;
    });
  }

  release(mesh: string, id: string, actor: Actor): Promise<boolean> {
    return this.database.transaction(async (sql) => {
      const [row] = await sql.query<Row>(RELEASE, [mesh, id]);
      if (row === undefined) return false;
      await say(sql, row, { action: 'quarantine-release', actor, message: `everybody may be sent ${row.name} again` });
      return true;
    });
  }
}
