import type { Clock } from '#libs/kernel';
import { type KnownProgress, PROGRESS_KEPT_DAYS, type Progress } from '#libs/store';
import { sumDelivery, UNKNOWN } from './sum.js';
import type { DeliveredChange, Delivery, LocalDelivery } from './types.js';
import { Watch } from './watch.js';

export interface DeliveriesDeps {
  readonly progress: Pick<Progress, 'of'>;
  readonly local: LocalDelivery;
  readonly clock: Clock;
}

const DAY_MS = 86_400_000;

/** How far changes have come at the proxies of all replicas: asked for once, or watched. */
export class Deliveries {
  readonly #watches = new Map<string, Watch>();

  constructor(private readonly deps: DeliveriesDeps) {}

  /** One for each change, in their order. @throws StoreUnavailable */
  async of(mesh: string, changes: readonly DeliveredChange[]): Promise<readonly Delivery[]> {
    const wanted = changes.filter((change) => this.#isKept(change)).map(({ revision }) => revision);
    const rows = wanted.length > 0 ? await this.deps.progress.of(mesh, wanted) : [];
    const byChange = Map.groupBy(rows, ({ change }) => change);
    return changes.map((change) =>
      this.#isKept(change) ? this.#sum(mesh, change.revision, byChange.get(change.revision) ?? []) : UNKNOWN,
    );
  }

  /** @throws StoreUnavailable */
  async one(mesh: string, change: DeliveredChange): Promise<Delivery> {
    const [delivery = UNKNOWN] = await this.of(mesh, [change]);
    return delivery;
  }

  /**
   * Tells the delivery at once and then whenever it has changed, at most five times a second; all who watch a change
   * share one look at the rows every 250 ms. While Postgres is away there is no news of other replicas.
   * @returns stops that
   */
  watch(mesh: string, change: DeliveredChange, listener: (delivery: Delivery) => void): () => void {
    const key = `${mesh} ${change.revision}`;
    const watch = this.#watches.get(key) ?? this.#open(key, mesh, change);
    const leave = watch.join(listener);
    return () => {
      leave();
      if (watch.isLeft) this.#watches.delete(key);
    };
  }

  /** Called whenever proxies of this replica have answered. @returns stops that */
  onLocalProgress(listener: (mesh: string) => void): () => void {
    return this.deps.local.onProgress(listener);
  }

  /** Changes that somebody watches: each costs four look-ups a second. */
  get watched(): number {
    return this.#watches.size;
  }

  #open(key: string, mesh: string, change: DeliveredChange): Watch {
    const { progress, local, clock } = this.deps;
    const { revision } = change;
    const watch = new Watch({
      read: () => (this.#isKept(change) ? progress.of(mesh, [revision]) : Promise.resolve(undefined)),
      sum: (rows) => (rows ? this.#sum(mesh, revision, rows) : UNKNOWN),
      onLocal: (listener) => local.onProgress((moved) => moved === mesh && listener()),
      clock,
    });
    this.#watches.set(key, watch);
    return watch;
  }

  #sum(mesh: string, revision: number, rows: readonly KnownProgress[]): Delivery {
    const { local } = this.deps;
    const here = local.of(mesh, revision);
    return sumDelivery(rows, here && { ...here, replica: local.replica });
  }

  #isKept({ at }: DeliveredChange): boolean {
    return at !== undefined && this.deps.clock.now() - Date.parse(at) < PROGRESS_KEPT_DAYS * DAY_MS;
  }
}
