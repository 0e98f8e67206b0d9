import { changeId } from '#libs/kernel';
import type { Database, Sql } from '../database.js';
import type { ChangeMark, NetChange, Past } from '../ports.js';

const BETWEEN = `
SELECT h.kind, h.namespace, h.name, h.before, h.after, c.revision, c.at, c.actor, c.message
FROM resource_history h JOIN change c USING (revision)
WHERE h.mesh = $1 AND h.revision > $2 AND h.revision <= $3
ORDER BY h.kind, h.namespace, h.name, h.revision, h.position`;

interface Row {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly before: unknown;
  readonly after: unknown;
  readonly revision: number;
  readonly at: Date;
  readonly actor: string;
  readonly message: string;
}

/** What resources were, by their history. */
export class PastRepository implements Past {
  constructor(private readonly database: Database) {}

  async between(mesh: string, after: number, until: number): Promise<readonly NetChange[]> {
    return readBetween(this.database, mesh, after, until);
  }

  async change(mesh: string, revision: number): Promise<readonly NetChange[] | undefined> {
    const changes = await this.between(mesh, revision - 1, revision);
    return changes.length > 0 ? changes : undefined;
  }
}

/** See `Past.between`. */
export const readBetween = async (
  sql: Sql,
  mesh: string,
  after: number,
  until: number,
): Promise<readonly NetChange[]> => netChanges(await sql.query<Row>(BETWEEN, [mesh, after, until]));

/** @param rows sorted by resource, then from the oldest */
function netChanges(rows: readonly Row[]): readonly NetChange[] {
  const found: (NetChange & { after: unknown; readonly changes: ChangeMark[] })[] = [];
  for (const { kind, namespace, name, before, after, revision, at, actor, message } of rows) {
    const mark = { change: changeId(revision), revision, at: at.toISOString(), actor, message };
    const last = found.at(-1);
    if (last?.kind === kind && last.namespace === namespace && last.name === name) {
      last.after = after ?? undefined;
      last.changes.push(mark);
    } else {
      found.push({ kind, namespace, name, before: before ?? undefined, after: after ?? undefined, changes: [mark] });
    }
  }
  return found;
}
