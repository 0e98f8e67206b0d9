import type { MigrationInterface, QueryRunner } from 'typeorm';
import type { AuditPayload } from '../audit/chain.js';
import { columnsOf } from '../audit/columns.js';
import {
  AUDIT_COLUMNS,
  CHECKPOINTS,
  COLUMNS_FOR_OLDER_BUILDS,
  FIRST_RANGE,
  RANGES,
} from './partitioned-history/tables.sql.js';

const BATCH = 1_000;

interface OldEntry {
  readonly seq: number;
  readonly payload: string;
}

const FILL = `
UPDATE audit_entry e SET action = f.action, mesh = f.mesh, actor = f.actor, subjects = ARRAY(SELECT json_array_elements_text(f.subjects))
FROM json_to_recordset($1::json) AS f(seq bigint, action text, mesh text, actor text, subjects json) WHERE e.seq = f.seq`;

/** Entries from before get the columns that searches use, from their payload. */
async function fillColumns(runner: QueryRunner): Promise<void> {
  for (let last = 0; ; ) {
    const rows = (await runner.query('SELECT seq, payload FROM audit_entry WHERE seq > $1 ORDER BY seq LIMIT $2', [
      last,
      BATCH,
    ])) as OldEntry[];
    const filled = rows.map(({ seq, payload }) => ({ seq, ...columnsOf(JSON.parse(payload) as AuditPayload) }));
    if (rows.length > 0) await runner.query(FILL, [JSON.stringify(filled)]);
    last = rows.at(-1)?.seq ?? last;
    if (rows.length < BATCH) return;
  }
}

/** History and audit in ranges of revisions, with what searches filter by; signed statements about the chain. */
export class PartitionedHistory1795780000000 implements MigrationInterface {
  readonly name = 'PartitionedHistory1795780000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(AUDIT_COLUMNS);
    await fillColumns(runner);
    for (const part of [RANGES, FIRST_RANGE, COLUMNS_FOR_OLDER_BUILDS, CHECKPOINTS]) await runner.query(part);
  }

  /** History is not put back together: an older build refuses the newer schema anyway. */
  async down(): Promise<void> {
    throw new Error('history stays in ranges: restore a backup from before the upgrade instead');
  }
}
