import { err, type Log, ok, type Result, revisionOf, type Tracer } from '#libs/kernel';
import type { Database, Sql } from '../database.js';
import { ALIVE_MS } from '../delivery/progress.repository.js';
import { requireLease } from '../leases/lease.js';
import type { StoreRefusal } from '../ports.js';
import { releaseAddresses } from '../resources/addresses.js';
import { auditRefusal } from '../resources/audit-refusal.js';
import { Refused } from '../resources/refused.js';
import { raced } from '../resources/write.js';
import { NOW_MS } from '../sql-time.js';
import { numberOf, STAGED, type StagedRow, toStaged } from './rows.js';
import { stageIn } from './stage.js';
import type { StagedChange, StagedChanges, StagedReport, StagedStep, StageRequest } from './staged.port.js';
import { takeStep } from './step.js';

const MOVE = `
UPDATE staged_change SET state = $2, wave = COALESCE($3, wave), members = COALESCE($4::json, members), reason = $5,
  step_at = now(), deadline = CASE WHEN $2 = 'watched' THEN deadline END
WHERE number = $1 AND state = ANY($6::text[]) AND ($7::integer IS NULL OR wave = $7)
RETURNING number, mesh, wave`;

const REPORT = `
INSERT INTO staged_report (number, replica, revision, evidence) VALUES ($1, $2, $3, $4::json)
ON CONFLICT (number, replica) DO UPDATE SET revision = EXCLUDED.revision, evidence = EXCLUDED.evidence, at = now()`;

const REPORTS = `
SELECT replica, revision, evidence, (extract(epoch FROM clock_timestamp() - at) * 1000)::bigint AS "ageMs"
FROM staged_report WHERE number = $1 ORDER BY replica`;

const REPLICAS = `
SELECT replica FROM replica
WHERE delivers = session AND seen_at > ${NOW_MS} - ${ALIVE_MS} ORDER BY replica`;

/** Is not made for everybody, so what was set aside for it is free again. */
const GIVEN_UP = new Set(['reverted', 'failed']);

/** Changes on trial. */
export class StagedRepository implements StagedChanges {
  constructor(
    private readonly database: Database,
    private readonly log: Log,
    private readonly tracer: Tracer,
  ) {}

  async stage(request: StageRequest): Promise<Result<StagedChange, StoreRefusal>> {
    try {
      const change = await this.database.transaction(
        async (sql) => {
          const id = await stageIn({ sql, trace: this.tracer.current() }, request);
          return id === undefined ? undefined : this.#read(sql, id);
        },
        { alsoRetry: raced },
      );
      return change ? ok(change) : err({ code: 'unchanged' });
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      await auditRefusal({ database: this.database, log: this.log }, request, error.refusal);
      return err(error.refusal);
    }
  }

  async get(mesh: string, id: string): Promise<StagedChange | undefined> {
    const revision = revisionOf(id);
    const [row] =
      revision === undefined
        ? await this.database.query<StagedRow>(`${STAGED} WHERE s.mesh = $1 AND s.number = $2`, [mesh, numberOf(id)])
        : await this.database.query<StagedRow>(`${STAGED} WHERE s.mesh = $1 AND s.applied_revision = $2`, [
            mesh,
            revision,
          ]);
    return row && toStaged(row);
  }

  async list(mesh: string, limit: number): Promise<readonly StagedChange[]> {
    const rows = await this.database.query<StagedRow>(`${STAGED} WHERE s.mesh = $1 ORDER BY s.number DESC LIMIT $2`, [
      mesh,
      Math.min(Math.max(1, limit), 500),
    ]);
    return rows.map(toStaged);
  }

  async unfinished(): Promise<readonly StagedChange[]> {
    const rows = await this.database.query<StagedRow>(
      `${STAGED} WHERE s.state IN ('queued', 'canary', 'held', 'watched') ORDER BY s.number`,
    );
    return rows.map(toStaged);
  }

  step(step: StagedStep): Promise<StagedChange | undefined> {
    return this.database.transaction((sql) => this.#step(sql, step));
  }

  async #step(sql: Sql, { id, actor, from, to, lease }: StagedStep): Promise<StagedChange | undefined> {
    if (lease) await requireLease(sql, lease);
    const number = numberOf(id);
    const before = await this.#read(sql, id);
    const { state, wave, members, reason = '' } = to;
    const moved = await sql.query<{ mesh: string; wave: number }>(MOVE, [
      ...[number, state, wave ?? null, members ? JSON.stringify(members) : null, reason],
      ...[from.states, from.wave ?? null],
    ]);
    const [row] = moved;
    if (row === undefined || before === undefined) return undefined;
    if (GIVEN_UP.has(state) && before.appliedRevision === undefined) await this.#giveUp(sql, before);
    const staged = { id, from: before.state, to: state, wave: row.wave, ...(members ? { members } : {}), reason };
    await takeStep({ sql, trace: this.tracer.current() }, number, {
      actor,
      mesh: row.mesh,
      message: before.message,
      staged,
    });
    return this.#read(sql, id);
  }

  /** Numbers of services that come to nothing. */
  async #giveUp(sql: Sql, { mesh, items }: StagedChange): Promise<void> {
    await releaseAddresses(
      sql,
      mesh,
      items.flatMap((item) => (item.ifVersion === 0 ? [item.id] : [])),
    );
  }

  async report(id: string, { replica, revision, evidence }: Omit<StagedReport, 'ageMs'>): Promise<void> {
    await this.database.query(REPORT, [numberOf(id), replica, revision, JSON.stringify(evidence)]);
  }

  reports(id: string): Promise<readonly StagedReport[]> {
    return this.database.query<StagedReport>(REPORTS, [numberOf(id)]);
  }

  async replicas(): Promise<readonly string[]> {
    return (await this.database.query<{ replica: string }>(REPLICAS)).map(({ replica }) => replica);
  }

  async #read(sql: Sql, id: string): Promise<StagedChange | undefined> {
    const [row] = await sql.query<StagedRow>(`${STAGED} WHERE s.number = $1`, [numberOf(id)]);
    return row && toStaged(row);
  }
}
