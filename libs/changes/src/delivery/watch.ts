import { type Clock, Turns } from '#libs/kernel';
import type { KnownProgress } from '#libs/store';
import type { Delivery } from './types.js';

/** Milliseconds between two looks at the rows of other replicas. */
const READ_EVERY_MS = 250;
/** At most five events a second. */
const TELL_EVERY_MS = 200;

/** What is known in the store; undefined = it is not kept any more. */
type Rows = readonly KnownProgress[] | undefined;

export interface WatchDeps {
  read(): Promise<Rows>;
  sum(rows: Rows): Delivery;
  onLocal(listener: () => void): () => void;
  readonly clock: Clock;
}

/** One change that somebody watches. It reads as long as anybody does. */
export class Watch {
  readonly #listeners = new Set<(delivery: Delivery) => void>();
  #stop: (() => void) | undefined;
  #rows: { readonly known: Rows } | undefined;
  readonly #reads = new Turns(() => this.#read());
  #told: { readonly delivery: Delivery; readonly text: string } | undefined;
  #toldAt = Number.NEGATIVE_INFINITY;
  #cancel: (() => void) | undefined;

  constructor(private readonly deps: WatchDeps) {}

  get isLeft(): boolean {
    return this.#listeners.size === 0;
  }

  join(listener: (delivery: Delivery) => void): () => void {
    this.#listeners.add(listener);
    if (this.#told) listener(this.#told.delivery);
    this.#stop ??= this.#start();
    return () => {
      this.#listeners.delete(listener);
      if (!this.isLeft) return;
      this.#stop?.();
      this.#stop = undefined;
    };
  }

  #start(): () => void {
    this.#reads.begin();
    this.#reads.start(this.deps.clock, READ_EVERY_MS);
    const leave = this.deps.onLocal(() => this.#soon());
    return () => {
      void this.#reads.stop();
      leave();
      this.#cancel?.();
      this.#cancel = undefined;
    };
  }

  async #read(): Promise<void> {
    try {
      this.#rows = { known: await this.deps.read() };
      this.#soon();
    } catch {
      // Postgres is away: what this replica counts goes on, and the next look may succeed.
    }
  }

  #soon(): void {
    if (this.#cancel || this.isLeft || !this.#rows) return;
    const { clock } = this.deps;
    const wait = this.#toldAt + TELL_EVERY_MS - clock.monotonic();
    if (wait <= 0) this.#tell();
    else
      this.#cancel = clock.after(wait, () => {
        this.#cancel = undefined;
        this.#tell();
      });
  }

  #tell(): void {
    if (!this.#rows) return;
    const delivery = this.deps.sum(this.#rows.known);
    const text = fingerprint(delivery);
    if (text === this.#told?.text) return;
    this.#told = { delivery, text };
    this.#toldAt = this.deps.clock.monotonic();
    for (const listener of [...this.#listeners]) listener(delivery);
  }
}

/** What makes a delivery another one: not that time passes. */
export const fingerprint = (delivery: Delivery): string =>
  JSON.stringify({ ...delivery, behind: delivery.behind.map(({ proxy }) => proxy) });
