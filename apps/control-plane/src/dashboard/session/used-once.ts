import type { Clock } from '#libs/kernel';

/** Of what is good once; the oldest go first. */
const REMEMBERED = 10_000;

/** Remembers what counts no more though its seal is good. In this process: other replicas do not know. */
export class UsedOnce {
  /** Until when each is remembered, by id. */
  readonly #over = new Map<string, number>();

  constructor(private readonly clock: Pick<Clock, 'now'>) {}

  has(id: string): boolean {
    return this.#over.has(id);
  }

  /** @param until when the seal ends by itself, milliseconds since the epoch */
  add({ id, until }: { readonly id: string; readonly until: number }): void {
    const now = this.clock.now();
    for (const [known, end] of this.#over) if (end <= now || this.#over.size >= REMEMBERED) this.#over.delete(known);
    this.#over.set(id, until);
  }
}
