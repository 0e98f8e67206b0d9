import type { Database } from '../database.js';
import type { Page } from '../ports.js';
import { addAccessFailures, listAccessFailures } from './access-failures.js';
import { appendAudit, appendToken } from './append.js';
import type {
  AccessFailure,
  AuditEntry,
  AuditLease,
  AuditQuery,
  AuditSigner,
  AuditTrail,
  AuditVerdict,
  Cut,
  CutRequest,
  Denied,
  ExportState,
  StoredStatement,
  TokenDecision,
  VerifyOptions,
} from './audit.port.js';
import { makeCheckpoint, publishKey } from './checkpoint.js';
import { cutHistory } from './cut.js';
import { exportLines } from './export.js';
import { takeLease } from './lease.js';
import { searchAudit } from './search.js';
import { verifyChain } from './verify.js';

const STATEMENTS = 'SELECT id, kind, document FROM audit_statement WHERE id > $1 ORDER BY id LIMIT $2';
const FLOOR = 'SELECT min(lower) AS floor FROM history_range';
const EXPORTS = 'SELECT destination, statement, failures, error FROM audit_export ORDER BY destination';
const EXPORTED = `
INSERT INTO audit_export (destination, statement) VALUES ($1, $2)
ON CONFLICT (destination) DO UPDATE
SET statement = GREATEST(audit_export.statement, EXCLUDED.statement), failures = 0, error = '', at = clock_timestamp()`;
const FAILED = `
INSERT INTO audit_export (destination, statement, failures, error) VALUES ($1, 0, 1, $2)
ON CONFLICT (destination) DO UPDATE SET failures = audit_export.failures + 1, error = EXCLUDED.error, at = clock_timestamp()`;

/** The audit chain: verified, searched, exported, signed for, and cut. */
export class AuditRepository implements AuditTrail {
  constructor(
    private readonly database: Database,
    private readonly options: { readonly replica: string; readonly ownerUrl: string },
  ) {}

  /** A cut in the middle of it takes entries away from under the walk: then it starts again from there. */
  async verify(options: VerifyOptions = {}): Promise<AuditVerdict> {
    for (;;) {
      const floor = await this.#floor();
      const verdict = await verifyChain(this.database, options);
      if (verdict.ok || (await this.#floor()) === floor) return verdict;
    }
  }

  async tokenDecided(decision: TokenDecision): Promise<void> {
    await this.database.transaction((sql) => appendToken(sql, decision));
  }

  async denied(what: Denied): Promise<void> {
    await this.database.transaction((sql) => appendAudit(sql, { ...what, action: 'denied', decision: 'refused' }));
  }

  search(query: AuditQuery): Promise<Page<AuditEntry>> {
    return searchAudit(this.database, query);
  }

  export(signal?: AbortSignal): AsyncIterable<string> {
    return exportLines(this.database, signal);
  }

  statements(after: number, limit: number): Promise<readonly StoredStatement[]> {
    return this.database.query<StoredStatement>(STATEMENTS, [after, limit]);
  }

  lease(holder: string, ttlMs: number): Promise<AuditLease | undefined> {
    return takeLease(this.database, holder, ttlMs);
  }

  checkpoint(lease: AuditLease, signer: AuditSigner): Promise<string | undefined> {
    return makeCheckpoint(this.database, lease, signer);
  }

  announceKey(lease: AuditLease, key: { id: string; publicKey: string }, signer: AuditSigner): Promise<boolean> {
    return publishKey(this.database, lease, key, signer);
  }

  exports(): Promise<readonly ExportState[]> {
    return this.database.query<ExportState>(EXPORTS);
  }

  async exported(destination: string, statement: number): Promise<void> {
    await this.database.query(EXPORTED, [destination, statement]);
  }

  async exportFailed(destination: string, error: string): Promise<void> {
    await this.database.query(FAILED, [destination, error.slice(0, 500)]);
  }

  cut(request: CutRequest): Promise<Cut | undefined> {
    return cutHistory(this.database, this.options.ownerUrl, request);
  }

  accessFailed(counts: ReadonlyMap<string, number>): Promise<void> {
    return addAccessFailures(this.database, this.options.replica, counts);
  }

  accessFailures(limit: number): Promise<readonly AccessFailure[]> {
    return listAccessFailures(this.database, limit);
  }

  async #floor(): Promise<number | undefined> {
    const [row] = await this.database.query<{ floor: number }>(FLOOR);
    return row?.floor;
  }
}
