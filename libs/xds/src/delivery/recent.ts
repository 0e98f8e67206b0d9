import { Cell, type Held } from '../cell.js';
import type { Closing, RecentContent } from '../types.js';
import type { InFlight, TypeDelivery } from './type-delivery.js';

/** What counts as sent a moment ago. Milliseconds. */
export const RECENT_MS = 10_000;

interface Response {
  flight: InFlight;
  /** What the client had before, in the order of the news; empty = nothing of the type. */
  readonly before: readonly (Held | undefined)[];
  /** Milliseconds of the monotonic clock when it was sent, or ACKed. */
  at: number;
}

const NOTHING: readonly (Held | undefined)[] = [];

/** The responses of a moment: who dies of a content does so soon after it was sent or accepted (REL-26). */
export class Recent {
  #responses: Response[] = [];
  /** Those of one content, by its key: of a content that changes again and again only the newest is kept. */
  readonly #single = new Map<string, Response>();

  sent(flight: InFlight, { acked, spec }: TypeDelivery): void {
    if (spec.secret || flight.news.length === 0) return;
    const before = acked.size === 0 ? NOTHING : flight.news.map(({ name }) => acked.get(name));
    const [only, ...others] = flight.news;
    const known = only && others.length === 0 ? this.#single.get(only.key) : undefined;
    if (known) {
      known.flight = flight;
      known.at = flight.sentAt;
      return;
    }
    const response = { flight, before, at: flight.sentAt };
    this.#responses.push(response);
    if (only && others.length === 0) this.#single.set(only.key, response);
  }

  acked(flight: InFlight, now: number): void {
    const response = this.#responses.find((one) => one.flight === flight);
    if (response) response.at = now;
  }

  get isEmpty(): boolean {
    return this.#responses.length === 0;
  }

  /** Forgets what is older; what is not answered yet is not. */
  prune(now: number, types: readonly TypeDelivery[]): void {
    if (this.#responses.length === 0) return;
    const open = new Set(types.map(({ inFlight }) => inFlight));
    const kept = this.#responses.filter(({ at, flight }) => now - at <= RECENT_MS || open.has(flight));
    if (kept.length === this.#responses.length) return;
    this.#responses = kept;
    const left = new Set(kept);
    for (const [key, response] of this.#single) if (!left.has(response)) this.#single.delete(key);
  }

  /** The newest content under each key. */
  #contents(): readonly RecentContent[] {
    const found = new Map<string, RecentContent>();
    for (const { flight, before } of this.#responses) {
      for (const [i, content] of flight.news.entries()) {
        if (content.hollow || content.key === '') continue;
        const held = found.get(content.key)?.before ?? before[i];
        const was = held instanceof Cell && held.version !== content.version ? held : undefined;
        found.set(content.key, { content, before: was, change: flight.change });
      }
    }
    return [...found.values()];
  }

  /** How the stream ended, for the listener. */
  closing(by: Closing['by'], types: readonly TypeDelivery[], now: number): Closing {
    this.prune(now, types);
    const held = ({ acked, spec }: TypeDelivery): readonly Cell[] =>
      spec.secret ? [] : ([...acked.values()].filter((one) => one instanceof Cell && one.key !== '') as Cell[]);
    return { by, recent: () => this.#contents(), held: () => types.flatMap(held) };
  }
}
