import type { PublishedChange } from '../published.js';

export interface Refusal {
  readonly proxy: string;
  readonly type: string;
  readonly name: string;
  readonly message: string;
}

/** How far one config revision has come on this replica. */
export interface RevisionProgress {
  readonly mesh: string;
  readonly revision: number;
  /** Proxies that had something to receive and are still there. */
  readonly total: number;
  /** Those that have all of it. */
  readonly acked: number;
  /** Those that refuse some of it. */
  readonly refusing: number;
  /** Milliseconds from publication to the newest answer; 0 when nobody had anything to receive. */
  readonly elapsedMs: number;
  readonly refused: readonly Refusal[];
  /** Node ids of those that have not answered yet. */
  readonly behind: readonly { readonly proxy: string; readonly sinceMs: number }[];
}

/** A publication, and who still has to answer it. */
export class Tracked {
  /** Node ids by stream. */
  readonly waiting: Map<number, string>;
  /** Those that left while they were waited for, and did not come back for a while. */
  readonly away = new Set<string>();
  /** Those that have just left, or were connected to an earlier process of this replica: here again in a moment. */
  readonly #expected: Set<string>;
  #lastAnswerAt: number;
  #acked = 0;
  readonly #refused = new Map<string, Refusal>();
  readonly #refusing = new Set<string>();
  /** What it set; until everybody has answered. */
  #names: ReadonlySet<string> | undefined;

  readonly change: Pick<PublishedChange, 'change' | 'mesh' | 'configRevision'>;

  constructor(
    { change, mesh, configRevision, resources }: PublishedChange,
    { concerned, expected }: { readonly concerned: ReadonlyMap<number, string>; readonly expected: Iterable<string> },
    private readonly startedAt: number,
  ) {
    // Not the resources: their bytes would be kept.
    this.change = { change, mesh, configRevision };
    this.waiting = new Map(concerned);
    this.#expected = new Set(expected);
    this.#lastAnswerAt = startedAt;
    if (concerned.size + this.#expected.size > 0) this.#names = new Set(resources.map(({ name }) => name));
  }

  /** Nobody is waited for. */
  get settled(): boolean {
    return this.waiting.size === 0;
  }

  holds(name: string): boolean {
    return this.#names?.has(name) === true;
  }

  answered(stream: number, now: number): void {
    const node = this.#leave(stream);
    if (node === undefined) return;
    if (!this.#refusing.has(node)) this.#acked += 1;
    this.#lastAnswerAt = now;
  }

  refused(refusal: Refusal, now: number): void {
    this.#refused.set(`${refusal.proxy} ${refusal.type} ${refusal.name}`, refusal);
    this.#refusing.add(refusal.proxy);
    this.#lastAnswerAt = now;
  }

  /** It is waited for until it is given up. */
  closed(stream: number): void {
    const node = this.#leave(stream);
    if (node !== undefined && !this.#refusing.has(node)) this.#expected.add(node);
  }

  /** @returns true when it is waited for again */
  back(stream: number, node: string): boolean {
    const isBack = this.away.delete(node) || this.#expected.delete(node);
    if (isBack) this.waiting.set(stream, node);
    return isBack;
  }

  /** Whoever is not here by now may be somewhere else, or nowhere. */
  giveUp(node: string): void {
    if (this.#expected.delete(node)) this.away.add(node);
  }

  get expected(): ReadonlySet<string> {
    return this.#expected;
  }

  #leave(stream: number): string | undefined {
    const node = this.waiting.get(stream);
    this.waiting.delete(stream);
    if (this.settled && this.away.size + this.#expected.size === 0) this.#names = undefined;
    return node;
  }

  progress(revision: number, now: number): RevisionProgress {
    // Who refuses is not behind as well, though the rest of the change may still be on its way to it.
    const behind = [...this.waiting.values(), ...this.#expected].filter((node) => !this.#refusing.has(node));
    return {
      ...{ mesh: this.change.mesh, revision },
      total: this.#acked + this.#refusing.size + behind.length,
      acked: this.#acked,
      refusing: this.#refusing.size,
      elapsedMs: tenths(this.#lastAnswerAt - this.startedAt),
      refused: [...this.#refused.values()],
      behind: behind.map((proxy) => ({ proxy, sinceMs: Math.round(now - this.startedAt) })),
    };
  }
}

const tenths = (ms: number): number => Math.round(ms * 10) / 10;
