import { createPublicKey } from 'node:crypto';
import type { Sql } from '../database.js';
import type { AuditVerdict, VerifyOptions } from './audit.port.js';
import { type AuditColumns, columnsOf } from './columns.js';
import { DocumentCheck } from './documents.js';
import { checkState, findMissing, type StateBreak } from './state.js';
import { type AuditStatement, anchorOf, type Checkpoint, type Cut, Keys, parseStatement } from './statement.js';
import {
  type Anchor,
  BEGINNING,
  type Break,
  broken,
  type ChainEntry,
  ChainWalk,
  type Link,
  payloadOf,
} from './walk.js';

/** Rows that `ENTRIES` gives at once. */
export const BATCH = 500;

/** Where to start and where the chain should end, read in one statement. */
const EXTENT = `
SELECT s.audit_seq AS seq, s.audit_hash AS hash, s.revision, i.cluster_id AS cluster,
  (SELECT seq FROM audit_entry ORDER BY revision DESC, seq DESC LIMIT 1) AS last,
  GREATEST((SELECT max(revision) FROM change), (SELECT max(revision) FROM resource_history)) AS "lastChange",
  (SELECT count(*) FROM resource) AS resources,
  (SELECT max(seq) FROM audit_statement WHERE kind <> 'key') AS vouched,
  (SELECT document FROM audit_statement WHERE kind = 'cut' ORDER BY seq DESC LIMIT 1) AS cut,
  date_trunc('milliseconds', clock_timestamp()) AS now
FROM stream s, database_identity i WHERE s.stream = 'config'`;

/** The next entries after (revision, seq), up to a seq. */
export const ENTRIES = `
SELECT * FROM audit_entry WHERE (revision, seq) > ($1, $2) AND revision >= $1 AND seq <= $3
ORDER BY revision, seq LIMIT ${BATCH}`;

const STATEMENTS = `SELECT document FROM audit_statement WHERE kind <> 'key' AND seq > $1 AND seq <= $2 ORDER BY seq`;
const KEYS = `SELECT id, certificate_pem AS pem FROM authority WHERE purpose = 'audit-signing'`;
const ENTRY_OF = `SELECT seq FROM audit_entry WHERE revision = $1 AND decision = 'applied' ORDER BY seq LIMIT 1`;

export interface Extent extends Link {
  readonly revision: number;
  readonly cluster: string;
  readonly last: number | null;
  readonly lastChange: number | null;
  readonly resources: number;
  readonly vouched: number | null;
  readonly cut: string | null;
  readonly now: Date;
}

export interface EntryRow extends AuditColumns {
  readonly seq: number;
  readonly revision: number;
  readonly at: Date;
  readonly decision: string;
  readonly payload: string;
  readonly prev: string;
  readonly hash: string;
}

/** Where a walk starts: an entry that is vouched for, the revision it left, and how many resources there were. */
export interface Start extends Link {
  readonly revision: number;
  /** Undefined: not known, so that their number cannot be compared. */
  readonly resources: number | undefined;
}

const FIRST: Start = { ...BEGINNING, revision: 0, resources: 0 };

export async function readExtent(sql: Sql): Promise<Extent> {
  const [extent] = await sql.query<Extent>(EXTENT);
  if (extent === undefined) throw new Error('the database has no row of the stream config');
  return extent;
}

/** The public keys that this control plane signs with. */
export async function readKeys(sql: Sql): Promise<Keys> {
  const keys = new Keys();
  for (const { id, pem } of await sql.query<{ id: string; pem: string }>(KEYS)) keys.trust(id, createPublicKey(pem));
  return keys;
}

export const toChainEntry = (row: EntryRow): ChainEntry => ({
  seq: row.seq,
  revision: row.revision,
  at: row.at.toISOString(),
  payload: row.payload,
  prev: row.prev,
  hash: row.hash,
});

const isPlace = (statement: AuditStatement): statement is Checkpoint | Cut => statement.type !== 'heddle-audit-key/v1';

/** The cut that the chain starts after. */
export function startOf(extent: Extent, keys: Keys): Start | Break {
  if (extent.cut === null) return FIRST;
  const statement = parseStatement(JSON.parse(extent.cut));
  if (!statement.ok || statement.value.type !== 'heddle-audit-cut/v1')
    return broken(1, 'the statement about the last cut was altered');
  const wrong = keys.check(statement.value);
  if (wrong !== undefined) return broken(statement.value.seq, `the cut up to this entry is not vouched for: ${wrong}`);
  const { seq, hash, revision, resources } = statement.value;
  return { seq, hash, revision, resources };
}

/** @returns the statements that count, in any order, or why one of them does not */
function believed(given: readonly unknown[], extent: Extent, keys: Keys): (Checkpoint | Cut)[] | Break {
  const places: (Checkpoint | Cut)[] = [];
  for (const value of given) {
    const statement = parseStatement(value);
    if (!statement.ok) return broken(0, `a checkpoint cannot be used: ${statement.error}`);
    const seq = isPlace(statement.value) ? statement.value.seq : 0;
    const wrong = keys.check(statement.value);
    if (wrong !== undefined)
      return broken(seq, `the checkpoint of ${statement.value.at} is not to be believed: ${wrong}`);
    if (statement.value.cluster !== extent.cluster)
      return broken(seq, `the checkpoint of ${statement.value.at} is of another database (${statement.value.cluster})`);
    if (isPlace(statement.value)) places.push(statement.value);
  }
  return places;
}

export interface VerificationPlan {
  /** Where it should end. */
  readonly extent: Extent;
  readonly keys: Keys;
  readonly from: Start;
  /** What it has to agree with, beside the statements in the database. */
  readonly anchors?: readonly Anchor[];
}

/** Walks the chain and what it stands for. Reads a page at a time: memory does not grow with the chain. */
export class Verification {
  #entries = 0;
  #revision: number;
  readonly #walk: ChainWalk;
  readonly #documents: DocumentCheck;
  readonly #outside: number;

  constructor(
    private readonly sql: Sql,
    private readonly plan: VerificationPlan,
  ) {
    const { from, extent, anchors = [] } = plan;
    this.#revision = from.revision;
    this.#walk = new ChainWalk(from, anchors);
    this.#documents = new DocumentCheck(sql, { from: from.revision, to: extent.revision }, from.resources ?? 0);
    this.#outside = anchors.filter(({ seq }) => seq <= from.seq).length;
  }

  /** Resources that there were after what was walked. */
  get alive(): number {
    return this.#documents.alive;
  }

  async run({ onProgress, signal }: VerifyOptions = {}): Promise<AuditVerdict> {
    const { extent, from } = this.plan;
    for (;;) {
      const rows = await this.sql.query<EntryRow>(ENTRIES, [this.#revision, this.#walk.last.seq, extent.seq]);
      const wrong = (await this.#expectStored()) ?? (await this.#entriesOf(rows));
      if (wrong !== undefined) return wrong;
      onProgress?.({ seq: this.#walk.last.seq, head: extent.seq });
      if (rows.length < BATCH || signal?.aborted) break;
    }
    const wrong = (await this.#end()) ?? (await this.#state());
    if (wrong !== undefined) return wrong;
    const { last, met } = this.#walk;
    return {
      ok: true,
      entries: this.#entries,
      from: from.seq + 1,
      to: last.seq,
      checkpoints: met,
      beforeStart: this.#outside,
    };
  }

  /** The statements that the database itself keeps are checked, too: they show what a careless hand did. */
  async #expectStored(): Promise<Break | undefined> {
    const { seq } = this.#walk.last;
    const to = Math.min(seq + BATCH, this.plan.extent.seq);
    for (const { document } of await this.sql.query<{ document: string }>(STATEMENTS, [seq, to])) {
      const statements = believed([JSON.parse(document)], this.plan.extent, this.plan.keys);
      if (!Array.isArray(statements)) return statements;
      this.#walk.expect(statements.map(anchorOf));
    }
    return undefined;
  }

  async #entriesOf(rows: readonly EntryRow[]): Promise<Break | undefined> {
    for (const row of rows) {
      const entry = toChainEntry(row);
      const wrong = this.#walk.next(entry);
      if (wrong !== undefined) return wrong;
      const payload = payloadOf(entry);
      const reason = isFiled(row, columnsOf(payload), payload.decision)
        ? await this.#documents.entry(entry.revision, entry.at, payload)
        : 'what searches find it by was changed';
      if (reason !== undefined) return broken(entry.seq, reason);
      this.#entries += 1;
      this.#revision = entry.revision;
    }
    return undefined;
  }

  async #end(): Promise<Break | undefined> {
    const { seq, hash, last, lastChange, revision, vouched } = this.plan.extent;
    const end = this.#walk.last;
    const missing = this.#walk.end();
    if (missing !== undefined) return missing;
    if (end.seq !== seq || end.hash !== hash) return broken(end.seq + 1, `the chain should end with entry ${seq}`);
    if ((vouched ?? 0) > seq)
      return broken(seq + 1, `a checkpoint vouches for entry ${vouched}: the end of the chain was cut off`);
    if (last !== null && last !== seq) return broken(last, 'it was added beside the chain, which ends before it');
    const extra = await this.#documents.end();
    if (extra !== undefined) return broken(end.seq, extra);
    if ((lastChange ?? 0) > revision)
      return broken(end.seq, `history has a change of revision ${lastChange}, which is yet to come`);
    return undefined;
  }

  /** What is in force is what the chain ends with; known only when the walk began where the number of resources was. */
  async #state(): Promise<Break | undefined> {
    if (this.plan.from.resources === undefined) return undefined;
    const wrong = await checkState(this.sql, this.plan.from.revision);
    if (wrong !== undefined) return this.#brokenState(wrong);
    const { alive } = this.#documents;
    if (alive === this.plan.extent.resources) return undefined;
    const missing = await findMissing(this.sql);
    if (missing !== undefined) return this.#brokenState(missing);
    return broken(
      this.plan.extent.seq,
      `${this.plan.extent.resources} resources are in force, and the chain stands for ${alive}`,
    );
  }

  async #brokenState({ revision, reason }: StateBreak): Promise<Break> {
    const [entry] = await this.sql.query<{ seq: number }>(ENTRY_OF, [revision]);
    return broken(entry?.seq ?? this.plan.extent.seq, reason);
  }
}

const isFiled = (row: EntryRow, columns: AuditColumns, decision: string): boolean =>
  row.decision === decision &&
  row.action === columns.action &&
  row.mesh === columns.mesh &&
  row.actor === columns.actor &&
  row.subjects.length === columns.subjects.length &&
  row.subjects.every((subject, index) => subject === columns.subjects[index]);

/** Verifies the whole chain that is there, against the statements given. */
export async function verifyChain(sql: Sql, options: VerifyOptions = {}): Promise<AuditVerdict> {
  const extent = await readExtent(sql);
  const keys = await readKeys(sql);
  const start = startOf(extent, keys);
  if ('ok' in start) return start;
  const places = believed(options.checkpoints ?? [], extent, keys);
  if (!Array.isArray(places)) return places;
  const newest = places.toSorted((a, b) => b.seq - a.seq)[0];
  const skip = options.incremental === true && newest !== undefined && newest.seq > start.seq;
  const from = skip ? { seq: newest.seq, hash: newest.hash, revision: newest.revision, resources: undefined } : start;
  if (from.seq > extent.seq)
    return broken(
      extent.seq + 1,
      `the chain ends with entry ${extent.seq}, but a checkpoint vouches for entry ${from.seq}: its end was cut off`,
    );
  return new Verification(sql, { extent, keys, from, anchors: places.map(anchorOf) }).run(options);
}
