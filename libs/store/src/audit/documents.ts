import { changeId } from '#libs/kernel';
import type { Sql } from '../database.js';
import { type AuditItem, type AuditPayload, documentHash } from './chain.js';
import { storable } from './columns.js';

/** History's rows of a range of revisions, in order, a page at a time: a page is all that is held. */
export interface HistoryRow {
  readonly revision: number;
  readonly position: number;
  readonly uid: string;
  readonly op: string;
  readonly mesh: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly version: number;
  readonly before: unknown;
  readonly after: unknown;
}

export interface ChangeRow {
  readonly revision: number;
  readonly mesh: string;
  readonly at: Date;
  readonly actor: string;
  readonly role: string;
  readonly ip: string;
  readonly request_id: string;
  readonly message: string;
  readonly reverts: string | null;
}

const PAGE = 200;

const HISTORY = `
SELECT * FROM resource_history WHERE (revision, position) > ($1, $2) AND revision >= $1 AND revision <= $3
ORDER BY revision, position LIMIT $4`;
const CHANGES = `SELECT * FROM change WHERE revision > $1 AND revision <= $2 ORDER BY revision LIMIT $3`;

/** Reads rows ahead by a page; `peek` shows the next without taking it. */
class Ahead<Row> {
  #rows: Row[] = [];
  #at = 0;
  #done = false;
  #last: Row | undefined;

  constructor(private readonly read: (last: Row | undefined) => Promise<Row[]>) {}

  async peek(): Promise<Row | undefined> {
    if (this.#at === this.#rows.length && !this.#done) {
      this.#rows = await this.read(this.#last);
      this.#at = 0;
      this.#done = this.#rows.length < PAGE;
      this.#last = this.#rows.at(-1) ?? this.#last;
    }
    return this.#rows[this.#at];
  }

  take(): void {
    this.#at += 1;
  }
}

/**
 * Compares what the chain says with what history holds: every applied entry with exactly the rows of its revision.
 * Entries come in the order of the chain, so history is read once, side by side with it.
 */
export class DocumentCheck {
  readonly #history: Ahead<HistoryRow>;
  readonly #changes: Ahead<ChangeRow>;
  #alive: number;

  /**
   * @param range revisions after `from`, up to and including `to`
   * @param resources how many there were at `from`
   */
  constructor(sql: Sql, range: { readonly from: number; readonly to: number }, resources: number) {
    this.#history = new Ahead((last) =>
      sql.query<HistoryRow>(HISTORY, [last?.revision ?? range.from + 1, last?.position ?? -1, range.to, PAGE]),
    );
    this.#changes = new Ahead((last) => sql.query<ChangeRow>(CHANGES, [last?.revision ?? range.from, range.to, PAGE]));
    this.#alive = resources;
  }

  /** Resources that there must be after what has been checked. */
  get alive(): number {
    return this.#alive;
  }

  /** @returns what in history is not as this entry says */
  async entry(revision: number, at: string, payload: AuditPayload): Promise<string | undefined> {
    if (payload.decision !== 'applied' || payload.items.length === 0) return undefined;
    return (await this.#change(revision, at, payload)) ?? (await this.#items(revision, payload));
  }

  /** @returns what history holds beyond the last entry */
  async end(): Promise<string | undefined> {
    const extra = (await this.#changes.peek()) ?? (await this.#history.peek());
    return extra && `history has a change of revision ${extra.revision} that no entry stands for`;
  }

  async #change(revision: number, at: string, payload: AuditPayload): Promise<string | undefined> {
    const row = await this.#changes.peek();
    if (row !== undefined && row.revision < revision)
      return `history has a change of revision ${row.revision} that no entry stands for`;
    if (row?.revision !== revision) return `history has no change of revision ${revision}`;
    this.#changes.take();
    return isChange(row, at, payload)
      ? undefined
      : `history of change ${changeId(revision)} was changed: who, when or why`;
  }

  async #items(revision: number, payload: AuditPayload): Promise<string | undefined> {
    for (const [index, item] of payload.items.entries()) {
      const row = await this.#history.peek();
      if (row !== undefined && row.revision < revision)
        return `history has a document of revision ${row.revision} that no entry stands for`;
      if (row?.revision !== revision) return `history has ${index} of its ${payload.items.length} items`;
      this.#history.take();
      if (row.mesh !== payload.mesh || !isItem(row, item))
        return `history of ${item.kind} ${item.namespace}/${item.name} was changed`;
      if (item.op === 'created') this.#alive += 1;
      if (item.op === 'deleted') this.#alive -= 1;
    }
    const next = await this.#history.peek();
    return next?.revision === revision ? `history has more than its ${payload.items.length} items` : undefined;
  }
}

function isChange(row: ChangeRow, at: string, { actor, mesh, message, reverts }: AuditPayload): boolean {
  return (
    row.mesh === mesh &&
    row.at.toISOString() === at &&
    row.actor === actor.name &&
    row.role === actor.role &&
    row.ip === actor.ip &&
    row.request_id === actor.requestId &&
    row.message === storable(message) &&
    (row.reverts ?? undefined) === reverts
  );
}

const isItem = (row: HistoryRow, item: AuditItem): boolean =>
  row.op === item.op &&
  row.kind === item.kind &&
  row.namespace === item.namespace &&
  row.name === item.name &&
  row.version === item.version &&
  (item.uid === undefined || row.uid === item.uid) &&
  documentHash(row.before) === item.before &&
  documentHash(row.after) === item.after;
