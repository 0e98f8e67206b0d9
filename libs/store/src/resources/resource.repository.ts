import type { Result } from '#libs/kernel';
import type { Database } from '../database.js';
import type {
  ListQuery,
  MeshThen,
  Page,
  Resources,
  StoredResource,
  StoreRefusal,
  WriteOutcome,
  WriteRequest,
} from '../ports.js';
import { meshAsOf } from './as-of.js';
import { type ResourceRow, toStoredResource } from './rows.js';
import { ResourceWriter, type WriterDeps } from './write.js';

const MAX_PAGE = 500;

const LIST = `
SELECT * FROM resource
WHERE mesh = $1 AND kind = $2 AND ($3::text IS NULL OR namespace = $3) AND labels @> $4::jsonb
  AND (namespace, name) > ($5, $6)
ORDER BY namespace, name LIMIT $7`;

const encodeCursor = (last: StoredResource): string =>
  Buffer.from(JSON.stringify([last.namespace, last.name])).toString('base64url');

/** @returns the position to go on after; the beginning for a cursor that is not ours */
function decodeCursor(cursor: string | undefined): readonly [string, string] {
  try {
    const parsed: unknown = JSON.parse(Buffer.from(cursor ?? '', 'base64url').toString());
    if (Array.isArray(parsed) && typeof parsed[0] === 'string' && typeof parsed[1] === 'string')
      return [parsed[0], parsed[1]];
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  return ['', ''];
}

/** The stored manifests of all kinds. */
export class ResourceRepository implements Resources {
  readonly #writer: ResourceWriter;
  private readonly database: Database;

  constructor(deps: WriterDeps) {
    this.database = deps.database;
    this.#writer = new ResourceWriter(deps);
  }

  write(request: WriteRequest): Promise<Result<WriteOutcome, StoreRefusal>> {
    return this.#writer.write(request);
  }

  async get(mesh: string, kind: string, namespace: string, name: string): Promise<StoredResource | undefined> {
    const [row] = await this.database.query<ResourceRow>(
      'SELECT * FROM resource WHERE mesh = $1 AND kind = $2 AND namespace = $3 AND name = $4',
      [mesh, kind, namespace, name],
    );
    return row === undefined ? undefined : toStoredResource(row);
  }

  async list(query: ListQuery): Promise<Page<StoredResource>> {
    const limit = Math.min(Math.max(1, Math.trunc(query.limit)), MAX_PAGE);
    const rows = await this.database.query<ResourceRow>(LIST, [
      query.mesh,
      query.kind,
      query.namespace ?? null,
      JSON.stringify(query.labels ?? {}),
      ...decodeCursor(query.cursor),
      limit + 1, // one more tells whether there is a next page
    ]);
    const items = rows.slice(0, limit).map(toStoredResource);
    const last = items.at(-1);
    return { items, cursor: rows.length > limit && last !== undefined ? encodeCursor(last) : undefined };
  }

  asOf(mesh: string, revision: number): Promise<MeshThen> {
    return this.database.transaction((sql) => meshAsOf(sql, mesh, revision), { isolation: 'snapshot' });
  }

  async labelled(mesh: string, labels: Readonly<Record<string, string>>): Promise<readonly StoredResource[]> {
    const rows = await this.database.query<ResourceRow>(
      'SELECT * FROM resource WHERE mesh = $1 AND labels @> $2::jsonb ORDER BY kind, namespace, name',
      [mesh, JSON.stringify(labels)],
    );
    return rows.map(toStoredResource);
  }

  async meshes(): Promise<readonly string[]> {
    const rows = await this.database.query<{ name: string }>(
      `SELECT name FROM resource WHERE kind = 'Mesh' AND name = mesh ORDER BY name`,
    );
    return rows.map((row) => row.name);
  }
}
