import type { MessageEvent } from '@nestjs/common';
import type { Observable } from 'rxjs';
import { type Deliveries, type Delivery, fingerprint, isFinal } from '#libs/changes';
import { type Clock, Turns } from '#libs/kernel';
import type { History, HistoryEntry, Store } from '#libs/store';
import type { AccessControl } from '../access/access-control.js';
import { visibleDelivery, visibleEntry } from '../access/visible-changes.js';
import type { HttpRequest } from '../http.js';
import { stream } from './change-events.js';
import type { OpenStreams } from './open-streams.js';

/** Changes whose delivery is told: the newest ones. */
const RECENT = 50;
const LOOK_EVERY_MS = 1_000;
/** After proxies of this replica have answered. */
const LOOK_SOON_MS = 200;

/** A change and how far it has come. */
interface Moved {
  readonly entry: HistoryEntry;
  readonly delivery: Delivery;
  /** It was made while somebody watched. */
  readonly isNew: boolean;
}

export interface MeshEventParts {
  readonly store: { readonly history: Pick<History, 'list'> } & Pick<Store, 'identity'>;
  readonly deliveries: Deliveries;
  readonly access: AccessControl;
  readonly streams: OpenStreams;
  readonly clock: Clock;
}

/** The newest changes of one mesh, looked at together for all who watch. */
class MeshWatch {
  readonly #recent = new Map<number, Moved>();
  readonly #listeners = new Set<(moved: Moved) => void>();
  #newest = -1;
  readonly #looks = new Turns(() => this.#look());
  #cancel: (() => void) | undefined;
  #stop: (() => void) | undefined;

  constructor(
    private readonly mesh: string,
    private readonly parts: MeshEventParts,
  ) {}

  get isLeft(): boolean {
    return this.#listeners.size === 0;
  }

  join(listener: (moved: Moved) => void): () => void {
    for (const moved of this.#recent.values()) listener({ ...moved, isNew: false });
    this.#listeners.add(listener);
    this.#stop ??= this.#start();
    return () => {
      this.#listeners.delete(listener);
      if (this.isLeft) this.#stop?.();
    };
  }

  #start(): () => void {
    this.#looks.begin();
    this.#looks.start(this.parts.clock, LOOK_EVERY_MS);
    const leave = this.parts.deliveries.onLocalProgress((mesh) => mesh === this.mesh && this.#soon());
    return () => {
      void this.#looks.stop();
      leave();
      this.#cancel?.();
    };
  }

  #soon(): void {
    this.#cancel ??= this.parts.clock.after(LOOK_SOON_MS, () => {
      this.#cancel = undefined;
      this.#looks.begin();
    });
  }

  async #look(): Promise<void> {
    try {
      for (const moved of await this.#news()) for (const listener of [...this.#listeners]) listener(moved);
    } catch {
      // Postgres is away: the next look tells what was missed.
    }
  }

  /** Oldest first. */
  async #news(): Promise<readonly Moved[]> {
    const { store, deliveries } = this.parts;
    const { configRevision } = await store.identity();
    const listed = configRevision > this.#newest ? await store.history.list({ mesh: this.mesh, limit: RECENT }) : [];
    const fresh = listed.filter(({ revision }) => !this.#recent.has(revision) && revision > this.#newest).reverse();
    const open = [...this.#recent.values()].filter(({ delivery }) => !isFinal(delivery)).map(({ entry }) => entry);
    const entries = [...open, ...fresh];
    const found = entries.length > 0 ? await deliveries.of(this.mesh, entries) : [];
    const isFirst = this.#newest < 0;
    this.#newest = configRevision;
    const news = entries.flatMap((entry, i): Moved[] => {
      const [delivery, before] = [found[i], this.#recent.get(entry.revision)?.delivery];
      if (!delivery || (before && fingerprint(before) === fingerprint(delivery))) return [];
      return [{ entry, delivery, isNew: !isFirst && !before }];
    });
    for (const moved of news) this.#recent.set(moved.entry.revision, moved);
    for (const old of [...this.#recent.keys()].slice(0, -RECENT)) this.#recent.delete(old);
    return news;
  }
}

/** Events of meshes: `change`, for each one that is made and each time that its delivery has moved. */
export class MeshEvents {
  readonly #watches = new Map<string, MeshWatch>();

  constructor(private readonly parts: MeshEventParts) {}

  /** Changes after the one of Last-Event-ID; without, those that are under way and new ones. The id is the newest told. */
  of(mesh: string, request: HttpRequest): Observable<MessageEvent> {
    return stream(this.parts, (subscriber) => {
      const watch = this.#watches.get(mesh) ?? new MeshWatch(mesh, this.parts);
      this.#watches.set(mesh, watch);
      const told = new Told(request);
      const leave = watch.join((moved) => {
        const data = told.wants(moved) ? this.#shown(mesh, moved, request) : undefined;
        if (data) subscriber.next({ type: 'change', id: told.note(moved), data });
      });
      return () => {
        leave();
        if (watch.isLeft) this.#watches.delete(mesh);
      };
    });
  }

  #shown(mesh: string, { entry, delivery }: Moved, { principal }: HttpRequest): object | undefined {
    const { access } = this.parts;
    const [shown] = visibleEntry(access, principal, mesh, entry);
    if (!shown) return undefined;
    const items = shown.items.map(({ op, kind, namespace, name }) => ({ op, kind, namespace, name }));
    return { ...shown, items, delivery: visibleDelivery(access, principal, mesh, delivery) };
  }
}

/** What one client has been told. */
class Told {
  readonly #told = new Set<number>();
  readonly #since: number | undefined;
  #newest = 0;

  constructor({ headers }: HttpRequest) {
    const { 'last-event-id': last } = headers;
    const since = /^c-(\d{1,15})$/.exec(typeof last === 'string' ? last : '')?.[1];
    this.#since = since === undefined ? undefined : Number(since);
  }

  wants({ entry: { revision }, delivery, isNew }: Moved): boolean {
    if (isNew || !isFinal(delivery) || this.#told.has(revision)) return true;
    return this.#since !== undefined && revision > this.#since;
  }

  /** @returns the id of the event */
  note({ entry: { revision } }: Moved): string {
    this.#told.add(revision);
    for (const old of [...this.#told].slice(0, -2 * RECENT)) this.#told.delete(old);
    this.#newest = Math.max(this.#newest, this.#since ?? 0, revision);
    return `c-${this.#newest}`;
  }
}
