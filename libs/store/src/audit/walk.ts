import { type AuditPayload, envelopeHash, sha256 } from './chain.js';

/** An entry of the chain: what is in its hash, and the payload as it was hashed. */
export interface ChainEntry {
  readonly seq: number;
  /** Config revision after it. */
  readonly revision: number;
  /** RFC 3339 with milliseconds, UTC. */
  readonly at: string;
  /** Canonical JSON. */
  readonly payload: string;
  readonly prev: string;
  readonly hash: string;
}

/** A place in the chain that the next entry has to follow; seq 0 and hash '' = the beginning. */
export interface Link {
  readonly seq: number;
  readonly hash: string;
}

export const BEGINNING: Link = { seq: 0, hash: '' };

/** The first entry that is not as it was written, or is not there. */
export interface Break {
  readonly ok: false;
  readonly seq: number;
  readonly reason: string;
}

export const broken = (seq: number, reason: string): Break => ({ ok: false, seq, reason });

/** What somebody outside of the database vouches for. */
export interface Anchor extends Link {
  /** Names it in messages: `the checkpoint of 2026-11-23T14:02:00.000Z`. */
  readonly what: string;
}

/**
 * Walks a chain from a link on, entry by entry, in constant memory, and compares it with anchors on the way. It reads
 * nothing itself: the same walk verifies a database and a file.
 */
export class ChainWalk {
  #last: Link;
  #revision = 0;
  #anchors: Anchor[] = [];
  #matched: Link;
  #met = 0;

  constructor(from: Link, anchors: readonly Anchor[] = []) {
    this.#last = from;
    this.#matched = from;
    this.expect(anchors);
  }

  /** Further anchors; those about what has been passed count no more. */
  expect(anchors: readonly Anchor[]): void {
    const ahead = anchors.filter(({ seq }) => seq > this.#last.seq);
    if (ahead.length > 0) this.#anchors = [...this.#anchors, ...ahead].sort((a, b) => a.seq - b.seq);
  }

  get last(): Link {
    return this.#last;
  }

  /** Anchors that the chain has passed and agrees with. */
  get met(): number {
    return this.#met;
  }

  /** @returns why this cannot be the next entry */
  next(entry: ChainEntry): Break | undefined {
    const due = this.#last.seq + 1;
    const reason = this.#reason(entry, due);
    if (reason !== undefined) return broken(due, reason);
    this.#last = { seq: entry.seq, hash: entry.hash };
    this.#revision = entry.revision;
    return this.#compare(entry);
  }

  /** @returns what is missing at the end: an anchor beyond it */
  end(): Break | undefined {
    const [beyond] = this.#anchors;
    if (beyond === undefined) return undefined;
    const { seq } = this.#last;
    return broken(
      seq + 1,
      `the chain ends with entry ${seq}, but ${beyond.what} vouches for entry ${beyond.seq}: its end was cut off`,
    );
  }

  #reason(entry: ChainEntry, due: number): string | undefined {
    if (entry.seq !== due) return entry.seq < due ? `entry ${entry.seq} stands where ${due} should` : 'it is missing';
    if (entry.prev !== this.#last.hash) return 'it does not follow the entry before it';
    if (entry.revision < this.#revision) return 'its revision is older than that of the entry before it';
    const { at, seq, prev, revision } = entry;
    const hash = envelopeHash({ at, payload: sha256(entry.payload), prev, revision, seq });
    return hash === entry.hash ? undefined : 'its payload, time, revision or hash was changed';
  }

  #compare(entry: ChainEntry): Break | undefined {
    for (let anchor = this.#anchors[0]; anchor?.seq === entry.seq; anchor = this.#anchors[0]) {
      if (anchor.hash !== entry.hash) {
        const from = this.#matched.seq + 1;
        const where = from === entry.seq ? `entry ${from}` : `one of the entries ${from} to ${entry.seq}`;
        return broken(
          entry.seq,
          `it is not the entry that ${anchor.what} vouches for: the chain was written anew from ${where} on`,
        );
      }
      this.#met += 1;
      this.#matched = this.#last;
      this.#anchors.shift();
    }
    return undefined;
  }
}

/** The payload as data, of an entry that a walk has accepted. */
export const payloadOf = (entry: ChainEntry): AuditPayload => JSON.parse(entry.payload) as AuditPayload;
