import type { CompiledChange } from '#libs/compiler';
import type { Clock, Log, Metrics } from '#libs/kernel';
import type { FeedEvent, Snapshot } from '#libs/store';
import type { Publication } from '#libs/xds';
import type { MeshHost } from './mesh-host.js';

/** What one publication was made of: links the engine's change numbers to revisions. */
export interface PublishedChange {
  readonly change: number;
  readonly mesh: string;
  readonly configRevision: number;
  readonly runtimeRevision: number;
  /** Keys of resources that were set or removed. */
  readonly touched: number;
  /** Instances came, went, or are seen otherwise: streams may belong to other views. */
  readonly viewsChanged: boolean;
}

export interface CoordinatorOptions {
  readonly hostOf: (mesh: string) => MeshHost;
  readonly publish: (publication: Publication) => void;
  readonly published: (change: PublishedChange) => void;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
}

/**
 * Feed to graph to engine: the only place where inputs are set. Every event of the feed is one pass per mesh it
 * touches, published at once: there is no quiet time, what arrives during a pass is the next event.
 */
export class Coordinator {
  readonly #hosts = new Map<string, MeshHost>();
  readonly #waiters = new Set<{ readonly revision: number; readonly done: () => void }>();
  #changes = 0;
  #configRevision = 0;
  #runtimeRevision = 0;
  #loaded = false;

  constructor(private readonly options: CoordinatorOptions) {}

  get configRevision(): number {
    return this.#configRevision;
  }

  get runtimeRevision(): number {
    return this.#runtimeRevision;
  }

  /** True once a full, trusted state was compiled and published; before that nobody is served (GEN-16, REL-3). */
  get loaded(): boolean {
    return this.#loaded;
  }

  get hosts(): ReadonlyMap<string, MeshHost> {
    return this.#hosts;
  }

  host(mesh: string): MeshHost {
    let host = this.#hosts.get(mesh);
    if (!host) {
      host = this.options.hostOf(mesh);
      this.#hosts.set(mesh, host);
    }
    return host;
  }

  /** The host of a mesh, or for one that does not exist yet an empty one that nothing is published of. */
  hostOrEmpty(mesh: string): MeshHost {
    const known = this.#hosts.get(mesh);
    if (known) return known;
    const empty = this.options.hostOf(mesh);
    empty.graph.pass();
    return empty;
  }

  onEvent(event: FeedEvent): void {
    const touched = event.kind === 'snapshot' ? this.load(event.snapshot) : this.applyDelta(event);
    for (const mesh of touched) this.compile(mesh);
    this.#loaded = true;
    this.options.metrics.gauge('heddle_config_revision', this.#configRevision);
    for (const waiter of this.#waiters) {
      if (waiter.revision <= this.#configRevision) waiter.done();
    }
  }

  /** Resolves when this replica has published the config revision; never rejects. */
  reached(revision: number): Promise<void> {
    if (revision <= this.#configRevision) return Promise.resolve();
    return new Promise((resolve) => {
      const waiter = {
        revision,
        done: () => {
          this.#waiters.delete(waiter);
          resolve();
        },
      };
      this.#waiters.add(waiter);
    });
  }

  private load(snapshot: Snapshot): Set<string> {
    this.#configRevision = snapshot.configRevision;
    this.#runtimeRevision = snapshot.runtimeRevision;
    const meshes = new Set([
      ...this.#hosts.keys(),
      ...snapshot.resources.map((r) => r.mesh),
      ...snapshot.instances.map((i) => i.mesh),
    ]);
    for (const mesh of meshes) {
      const host = this.host(mesh);
      host.replaceAll(
        snapshot.resources.filter((row) => row.mesh === mesh),
        snapshot.instances.filter((row) => row.mesh === mesh),
      );
    }
    this.setAddresses(snapshot.addresses);
    return meshes;
  }

  private applyDelta(event: Extract<FeedEvent, { kind: 'delta' }>): Set<string> {
    const touched = new Set<string>();
    for (const change of event.resources) {
      const mesh = change.op === 'put' ? change.resource.mesh : change.mesh;
      touched.add(mesh);
      if (change.op === 'put') this.host(mesh).putResource(change.resource);
      else this.host(mesh).removeResource(change);
    }
    for (const change of event.instances) {
      const mesh = change.op === 'put' ? change.instance.mesh : change.mesh;
      touched.add(mesh);
      if (change.op === 'put') this.host(mesh).putInstance(change.instance);
      else this.host(mesh).removeInstance(change.namespace, change.name);
    }
    this.setAddresses(event.addresses);
    this.#configRevision = Math.max(this.#configRevision, event.configRevision);
    this.#runtimeRevision = Math.max(this.#runtimeRevision, event.runtimeRevision);
    return touched;
  }

  private setAddresses(addresses: ReadonlyMap<string, number>): void {
    for (const [key, number] of addresses) {
      const [mesh = '', namespace = '', name = ''] = key.split('/');
      this.host(mesh).graph.setAddress(`${namespace}/${name}`, number);
    }
  }

  private compile(mesh: string): void {
    const started = this.options.clock.monotonic();
    const compiled = this.host(mesh).pass();
    for (const failure of compiled.failures) {
      this.options.log.error('a resource could not be compiled and is withheld', { mesh, ...failure });
      this.options.metrics.count('heddle_compile_failures_total');
    }
    this.#changes += 1;
    this.options.publish(publication(this.#changes, compiled));
    this.options.metrics.observe('heddle_pass_seconds', (this.options.clock.monotonic() - started) / 1000);
    this.options.published({
      change: this.#changes,
      mesh,
      configRevision: this.#configRevision,
      runtimeRevision: this.#runtimeRevision,
      touched: compiled.set.length + compiled.removed.length,
      viewsChanged: compiled.views.length + compiled.removedViews.length > 0,
    });
  }
}

function publication(change: number, compiled: CompiledChange): Publication {
  const { set, removed, layers, removedLayers, views, removedViews } = compiled;
  return { change, set, removed, layers, removedLayers, views, removedViews };
}
