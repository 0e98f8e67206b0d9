import { type CompiledResource, MeshGraph } from '#libs/compiler';
import { type Log, silentLog, silentMetrics, systemClock } from '#libs/kernel';
import { createRegistry, type PolicyKind, type Registry } from '#libs/model';
import { openStore, type Store } from '#libs/store';
import type { Publication } from '#libs/xds';
import { Coordinator } from '../coordinator.js';
import { MeshHost } from '../mesh-host.js';
import { QuarantineJob } from './job.js';

/** A replica without proxies: a real store, its feed, what is compiled of it, and the quarantine job, turned by hand. */
export class TestReplica {
  readonly resources = new Map<string, Publication['set'][number]>();
  readonly errors: string[] = [];
  private readonly layers = new Map<string, readonly string[]>();

  private constructor(
    readonly store: Store,
    readonly coordinator: Coordinator,
    private readonly job: QuarantineJob,
  ) {}

  /** @param build makes another registry of the one of these kinds */
  static async start(
    url: string,
    name: string,
    kinds: readonly PolicyKind[],
    build = (registry: Registry): Registry => registry,
  ): Promise<TestReplica> {
    const registry = build(createRegistry(kinds));
    const store = await openStore({ url, replica: name });
    const log: Log = {
      ...silentLog,
      error: (words, fields) => replica.errors.push(`${words} ${JSON.stringify(fields)}`),
    };
    const coordinator: Coordinator = new Coordinator({
      hostOf: (mesh) => new MeshHost(mesh, new MeshGraph({ mesh, policies: kinds }), registry, log),
      publish: (publication) => replica.#keep(publication),
      published: () => {},
      ...{ clock: systemClock, log, metrics: silentMetrics },
    });
    const job = new QuarantineJob({
      ...{ store, replica: name, clock: systemClock, log, metrics: silentMetrics },
      hosts: () => coordinator.hosts.values(),
      revision: () => coordinator.configRevision,
      isCompiling: () => coordinator.isCompiling,
      leaves: () => false,
    });
    const replica = new TestReplica(store, coordinator, job);
    await store.feed.start((event) => coordinator.onEvent(event));
    await coordinator.settled();
    return replica;
  }

  #keep({ set, removed, layers, removedLayers }: Publication): void {
    for (const resource of set) this.resources.set(resource.key, resource);
    for (const key of removed) this.resources.delete(key);
    for (const { id, keys } of layers) this.layers.set(id, keys);
    for (const id of removedLayers) this.layers.delete(id);
  }

  get host(): MeshHost {
    return this.coordinator.host('default');
  }

  /** Everything that is committed is compiled. */
  async catchUp(): Promise<this> {
    await this.store.feed.poke();
    await this.coordinator.settled();
    return this;
  }

  async turn(): Promise<void> {
    await this.catchUp();
    await this.job.tick();
    await this.catchUp();
  }

  versionOf(key: string): CompiledResource['version'] | undefined {
    return this.resources.get(`default|${key}`)?.version;
  }

  /** Equal exactly when the same resources and lists are served. */
  get fingerprint(): string {
    const sorted = (map: ReadonlyMap<string, unknown>): unknown => [...map].sort(([a], [b]) => (a < b ? -1 : 1));
    const versions = new Map([...this.resources].map(([key, { version }]) => [key, version]));
    return JSON.stringify([sorted(versions), sorted(this.layers)]);
  }

  async stop(): Promise<void> {
    await this.store.close();
  }
}
