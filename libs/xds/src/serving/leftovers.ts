import type { Clock } from '#libs/kernel';
import { Cell } from '../cell.js';
import type { Session } from '../session.js';
import type { TypeUrl } from '../types.js';

/** How long a client that lost its stream is waited for. Envoys come back within seconds. Milliseconds. */
const KEPT_MS = 10 * 60_000;
/** Clients of whom something is kept; beyond it the oldest are forgotten. */
const CLIENTS_KEPT = 5_000;

interface Left {
  readonly at: number;
  readonly types: ReadonlyMap<TypeUrl, readonly Cell[]>;
}

/**
 * What clients may run without saying so on their next stream: resources of responses that they refused in part, or had
 * not answered when the stream was cut. A client lists in its `initial_resource_versions` only what it accepted, so
 * without this memory a resource that is deleted meanwhile would run there for ever (ENV-1), as would one of a type of which
 * it lists nothing (ENV-10). It ends with the process.
 */
export class Leftovers {
  readonly #left = new Map<string, Left>();

  constructor(private readonly clock: Clock) {}

  /** A delta stream of this client has ended. */
  leave(client: string, session: Session): void {
    if (session.variant !== 'delta') return;
    const types = new Map<TypeUrl, readonly Cell[]>();
    // A stream that was cut before it asked for a type has told nothing of it.
    for (const [type, cells] of this.#fresh(client)?.types ?? []) if (!session.types.has(type)) types.set(type, cells);
    for (const { spec, acked, orphans, inFlight } of session.ordered) {
      const unlisted = spec.unlisted ? [...acked.values()].filter((held) => held instanceof Cell) : [];
      const cells = [...unlisted, ...orphans.values(), ...(inFlight?.cells ?? [])];
      if (spec.removable && cells.length > 0) types.set(spec.url, cells);
    }
    this.#left.delete(client);
    if (types.size > 0) this.#left.set(client, { at: this.clock.monotonic(), types });
    this.#bound();
  }

  /** What the client may run of the type, for its next stream. */
  of(client: string, type: TypeUrl): readonly Cell[] {
    return this.#fresh(client)?.types.get(type) ?? [];
  }

  #fresh(client: string): Left | undefined {
    const left = this.#left.get(client);
    return left && this.clock.monotonic() - left.at <= KEPT_MS ? left : undefined;
  }

  #bound(): void {
    const now = this.clock.monotonic();
    for (const [client, { at }] of this.#left) {
      if (this.#left.size <= CLIENTS_KEPT && now - at <= KEPT_MS) return;
      this.#left.delete(client);
    }
  }
}
