import type { KeyObject } from 'node:crypto';
import { z } from 'zod';
import { canonicalJson, err, ok, type Result } from '#libs/kernel';
import { END, ENTRY, EXPORT } from './export.js';
import { type AuditStatement, anchorOf, fingerprintOf, Keys, parseStatement, publicKeyOf } from './statement.js';
import { type Break, broken, ChainWalk } from './walk.js';

const place = { seq: z.int().min(0), hash: z.string().max(64) };
const header = z.object({ type: z.literal(EXPORT), cluster: z.string(), ...place });
const entry = z.object({
  type: z.literal(ENTRY),
  ...place,
  revision: z.int().min(0),
  at: z.string(),
  prev: z.string().max(64),
  payload: z.record(z.string(), z.unknown()),
});
const end = z.object({ type: z.literal(END), ...place });
const lineSchema = z.discriminatedUnion('type', [header, entry, end]);
type Line = z.output<typeof lineSchema>;

export interface OfflineOptions {
  /** Believed keys. Without, the first key of the file is believed: then compare its fingerprint with one you know. */
  readonly publicKeys?: readonly KeyObject[];
  /** Statements that were kept apart from the file. */
  readonly checkpoints?: readonly unknown[];
  /** Called about every 500 entries. */
  readonly onProgress?: (done: { readonly seq: number }) => void;
}

export type OfflineVerdict =
  | {
      readonly ok: true;
      readonly entries: number;
      readonly from: number;
      readonly to: number;
      readonly checkpoints: number;
      /** SHA-256 of the key that all signatures lead back to; '' when nothing in the file is signed. */
      readonly key: string;
    }
  | Break;

function parseLine(text: string): Result<Line | AuditStatement, string> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return err('a line is no JSON');
  }
  const parsed = lineSchema.safeParse(value);
  if (parsed.success) return ok(parsed.data);
  const statement = parseStatement(value);
  return statement.ok ? statement : err('a line is nothing that an export holds');
}

/** Verifies an export away from the database, in constant memory. */
class ExportReader {
  readonly #keys = new Keys();
  #key = '';
  #cluster: string | undefined;
  #walk: ChainWalk | undefined;
  /** Where the file says it starts, until a signed cut has confirmed it. */
  #unconfirmed: { seq: number; hash: string } | undefined;
  #from = 0;
  #vouched = 0;
  #ended = false;
  #expecting = false;

  constructor(private readonly options: OfflineOptions) {
    for (const key of options.publicKeys ?? []) {
      this.#keys.pin(key);
      this.#key = fingerprintOf(key);
    }
  }

  read(line: Line | AuditStatement): Break | undefined {
    if (this.#ended) return broken(this.#at, 'the file goes on after its end');
    if (line.type === EXPORT) return this.#header(line);
    if (this.#walk === undefined) return broken(0, 'the file does not begin with the header of an export');
    if (line.type === ENTRY) return this.#entry(line, this.#walk);
    if (line.type === END) return this.#end(line, this.#walk);
    return this.#statement(line, this.#walk);
  }

  finish(): OfflineVerdict {
    const walk = this.#walk;
    if (walk === undefined || !this.#ended) return broken(this.#at, 'the file is cut short: it has no end');
    const missing = walk.end();
    if (missing !== undefined) return missing;
    const { seq } = walk.last;
    const checkpoints = this.#vouched + walk.met;
    if (this.#isPinned && checkpoints === 0)
      return broken(seq, 'nothing in the file is signed by the key that was given');
    return { ok: true, entries: seq - this.#from, from: this.#from + 1, to: seq, checkpoints, key: this.#key };
  }

  get #isPinned(): boolean {
    return (this.options.publicKeys ?? []).length > 0;
  }

  get #at(): number {
    return (this.#walk?.last.seq ?? 0) + 1;
  }

  #header({ cluster, seq, hash }: z.output<typeof header>): Break | undefined {
    if (this.#walk !== undefined) return broken(this.#at, 'the file has two headers');
    this.#cluster = cluster;
    this.#from = seq;
    this.#walk = new ChainWalk({ seq, hash });
    if (seq > 0) this.#unconfirmed = { seq, hash };
    return undefined;
  }

  #entry({ payload, ...line }: z.output<typeof entry>, walk: ChainWalk): Break | undefined {
    if (this.#unconfirmed !== undefined)
      return broken(line.seq, `nobody vouches for entry ${this.#unconfirmed.seq}, which the file starts after`);
    const outside = this.#expectOutside(walk);
    if (outside !== undefined) return outside;
    const wrong = walk.next({ ...line, payload: canonicalJson(payload) });
    if (wrong === undefined && line.seq % 500 === 0) this.options.onProgress?.({ seq: line.seq });
    return wrong;
  }

  /** Asked when all keys of the file are known: at its first entry. */
  #expectOutside(walk: ChainWalk): Break | undefined {
    if (this.#expecting) return undefined;
    this.#expecting = true;
    for (const value of this.options.checkpoints ?? []) {
      const statement = parseStatement(value);
      if (!statement.ok) return broken(0, `a checkpoint cannot be used: ${statement.error}`);
      const wrong = this.#believe(statement.value);
      if (wrong !== undefined) return wrong;
      if ('seq' in statement.value) walk.expect([anchorOf(statement.value)]);
    }
    return undefined;
  }

  #believe(statement: AuditStatement): Break | undefined {
    const seq = 'seq' in statement ? statement.seq : 0;
    if (statement.cluster !== this.#cluster)
      return broken(seq, `the statement of ${statement.at} is of another database`);
    if (this.#key === '' && statement.type === 'heddle-audit-key/v1')
      this.#trustFirst(statement.id, statement.publicKey);
    const wrong = this.#keys.check(statement);
    return wrong === undefined
      ? undefined
      : broken(seq, `the statement of ${statement.at} is not to be believed: ${wrong}`);
  }

  #trustFirst(id: string, pem: string): void {
    const key = publicKeyOf(pem);
    if (key === undefined) return;
    this.#keys.trust(id, key);
    this.#key = fingerprintOf(key);
  }

  #statement(statement: AuditStatement, walk: ChainWalk): Break | undefined {
    // Before the key that was given there were others: what they signed is not counted.
    if (this.#isPinned && !this.#keys.knows(statement)) return undefined;
    const wrong = this.#believe(statement);
    if (wrong !== undefined || !('seq' in statement)) return wrong;
    const { seq, hash } = walk.last;
    if (statement.seq !== seq || statement.hash !== hash)
      return broken(statement.seq, `it is not the entry that ${anchorOf(statement).what} vouches for`);
    if (statement.seq === this.#unconfirmed?.seq) this.#unconfirmed = undefined;
    this.#vouched += 1;
    return undefined;
  }

  #end({ seq, hash }: z.output<typeof end>, walk: ChainWalk): Break | undefined {
    this.#ended = true;
    const outside = this.#expectOutside(walk);
    if (outside !== undefined) return outside;
    const same = walk.last.seq === seq && walk.last.hash === hash;
    return same ? undefined : broken(walk.last.seq + 1, `it is missing: the file should end with entry ${seq}`);
  }
}

/** See `exportLines`. @param lines without their line ends */
export async function verifyExport(
  lines: AsyncIterable<string> | Iterable<string>,
  options: OfflineOptions = {},
): Promise<OfflineVerdict> {
  const reader = new ExportReader(options);
  let number = 0;
  for await (const text of lines) {
    number += 1;
    if (text === '') continue;
    const line = parseLine(text);
    if (!line.ok) return broken(0, `line ${number}: ${line.error}`);
    const wrong = reader.read(line.value);
    if (wrong !== undefined) return wrong;
  }
  return reader.finish();
}
