import { Inject, Injectable } from '@nestjs/common';
import { type DeliveredChange, type Delivery, describedItem } from '#libs/changes';
import { revisionOf } from '#libs/kernel';
import type { HistoryEntry } from '#libs/store';
import { AccessControl, type Seen } from '../access/access-control.js';
import { sides, visibleDelivery } from '../access/visible-changes.js';
import { API_DEPS, type ApiDeps } from '../deps.js';
import type { Principal } from '../http.js';
import { notFound } from '../problem.js';
import type { ChangePage, VisibleDelivery } from '../views.js';
import type { AspectReader, AspectState, ChangeAspect } from './aspect.js';

/** A change that exists. */
export interface FoundChange {
  readonly mesh: string;
  /** `c-41`; other sorts are known by their aspects only. */
  readonly change: string;
  readonly revision?: DeliveredChange;
  /** Undefined once history was cut. */
  readonly entry?: HistoryEntry | undefined;
}

/** Everything that is shown of a change. */
@Injectable()
export class ChangePages {
  constructor(
    @Inject(API_DEPS) private readonly deps: ApiDeps,
    @Inject(AccessControl) private readonly access: AccessControl,
  ) {}

  get aspects(): readonly ChangeAspect[] {
    return this.deps.aspects ?? [];
  }

  /** @throws ProblemError 404 */
  async find(mesh: string, change: string, caller: Principal | undefined): Promise<FoundChange> {
    const found = (await this.#revision(mesh, change)) ?? (await this.#known(mesh, change, caller));
    if (!found) throw notFound('there is no such change: heddle history lists them');
    return found;
  }

  async page(found: FoundChange, caller: Principal | undefined): Promise<ChangePage> {
    const { mesh, change, revision, entry } = found;
    const delivery = revision && (await this.deps.deliveries.one(mesh, revision));
    return {
      change,
      ...(revision ? { revision: revision.revision } : {}),
      ...(entry ? this.#described(mesh, entry, caller) : { items: [] }),
      ...(delivery ? { delivery: this.visible(mesh, delivery, caller) } : {}),
      ...Object.fromEntries([...(await this.states(found, caller))].map(([name, { value }]) => [name, value])),
    };
  }

  visible(mesh: string, delivery: Delivery, caller: Principal | undefined): VisibleDelivery {
    return visibleDelivery(this.access, caller, mesh, delivery);
  }

  /** What aspects say of the change, by their names. */
  async states({ mesh, change }: FoundChange, caller: Principal | undefined): Promise<Map<string, AspectState>> {
    const reader = this.#reader(mesh, caller);
    const states = await Promise.all(
      this.aspects.map(async (aspect) => [aspect.name, await aspect.read(mesh, change, reader)] as const),
    );
    return new Map(states.flatMap(([name, state]) => (state ? [[name, state] as const] : [])));
  }

  #reader(mesh: string, caller: Principal | undefined): AspectReader {
    return { mayRead: (item: Seen) => this.access.may(caller, 'get', mesh, item) };
  }

  async #revision(mesh: string, change: string): Promise<FoundChange | undefined> {
    const revision = revisionOf(change);
    if (revision === undefined) return undefined;
    const { history } = this.deps.store;
    const [newest] = await history.list({ mesh, limit: 1, before: revision + 1 });
    const entry = newest?.revision === revision ? newest : undefined;
    if (!entry && revision >= (await history.floor())) return undefined;
    return { mesh, change, revision: { revision, at: entry?.at }, entry };
  }

  async #known(mesh: string, change: string, caller: Principal | undefined): Promise<FoundChange | undefined> {
    const found = { mesh, change };
    if (!/^[a-z]{1,8}-\w{1,64}$/.test(change)) return undefined;
    return (await this.states(found, caller)).size > 0 ? found : undefined;
  }

  /** Of a change of which the caller may read nothing, only that there is one. */
  #described(mesh: string, entry: HistoryEntry, caller: Principal | undefined) {
    const { shown, hidden } = this.access.visible(caller, mesh, entry.items, sides);
    const { at, actor, message, reverts } = entry;
    const isHis = shown.length > 0 || hidden === 0;
    return {
      ...(isHis ? { at, actor, message, ...(reverts === undefined ? {} : { reverts }) } : {}),
      items: shown.map(({ kind, namespace, name, before, after }) => ({
        ...{ kind, namespace, name },
        ...describedItem({ before, after }),
      })),
      ...(hidden > 0 ? { hidden } : {}),
    };
  }
}
