import type { CompiledChange } from '#libs/compiler';
import type { PassBudget } from '#libs/incremental';
import type { Clock, Log, Metrics } from '#libs/kernel';
import type { FeedEvent } from '#libs/store';
import type { Publication } from '#libs/xds';
import { Compilation } from './compilation.js';
import { EventQueue } from './event-queue.js';
import { type Delta, type Hosts, setDelta, setSnapshot } from './ingest.js';
import type { MeshHost } from './mesh-host.js';
import { type AdoptedPass, type PublishedChange, publication, touchedBy } from './published.js';

export interface CoordinatorOptions {
  readonly hostOf: (mesh: string) => MeshHost;
  readonly publish: (publication: Publication) => void;
  readonly published: (change: PublishedChange) => void;
  /** Told of what was read from the feed, but for changes of instances that overtook it. */
  readonly adopted?: ((pass: AdoptedPass) => void) | undefined;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Runs a task after what waits for the event loop; `setImmediate` by default. */
  readonly defer?: (task: () => void) => void;
}

/** How long a pass may hold the event loop before others have their turn. */
const SLICE_MS = 5;
/** A compilation that failed as a whole is tried again: a later event may have mended it. */
const RETRY_MS = 1_000;

interface Revisions {
  readonly config: number;
  readonly runtime: number;
}

/** What is being compiled. */
interface Running {
  readonly compilation: Compilation;
  readonly revisions: Revisions;
  readonly startedAt: number;
  /** Queries that these meshes had computed before. */
  readonly computedBefore: number;
  slices: number;
}

/**
 * Feed to graph to engine: the only place where inputs are set. Every event of the feed is one pass per mesh it
 * touches, published at once: there is no quiet time. A pass that takes longer than a slice goes on between other work;
 * config that arrives meanwhile is the next pass, changes of instances overtake it, and a snapshot takes its place.
 */
export class Coordinator {
  readonly #hosts = new Map<string, MeshHost>();
  readonly #meshes: Hosts = { known: this.#hosts, of: (mesh) => this.host(mesh) };
  readonly #waiters = new Set<{ readonly revision: number; readonly done: () => void }>();
  readonly #queue = new EventQueue();
  readonly #defer: (task: () => void) => void;
  #running: Running | undefined;
  /** Meshes with inputs that no compilation has taken to its end. */
  readonly #due = new Set<string>();
  readonly #following = new Set<string>();
  #idle: (() => void)[] = [];
  #changes = 0;
  /** Of what has been set in the graphs, published or not. */
  #set: Revisions = { config: 0, runtime: 0 };
  #configRevision = 0;
  #runtimeRevision = 0;
  #loaded = false;

  constructor(private readonly options: CoordinatorOptions) {
    this.#defer = options.defer ?? ((task) => void setImmediate(task));
  }

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

  /** True while a pass is cut into slices. */
  get isCompiling(): boolean {
    return this.#running !== undefined;
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

  /** @throws what the first slice throws; later failures are logged and tried again */
  onEvent(event: FeedEvent): void {
    if (!this.#running) {
      this.#start([...this.#queue.take(), event]);
    } else if (event.kind === 'snapshot') {
      this.#running.compilation.abandon();
      this.#running = undefined;
      this.#queue.clear();
      this.#start([event]);
    } else {
      const quick = this.#queue.add(event);
      if (quick) this.#overtake(quick);
    }
  }

  /** Resolves when everything that was handed in before is published; never rejects. */
  settled(): Promise<void> {
    if (this.#isIdle()) return Promise.resolve();
    return new Promise((resolve) => void this.#idle.push(resolve));
  }

  #isIdle(): boolean {
    return !this.#running && this.#due.size === 0 && this.#following.size === 0;
  }

  #noteIdle(): void {
    if (this.#isIdle()) for (const resolve of this.#idle.splice(0)) resolve();
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

  #start(events: readonly FeedEvent[]): void {
    for (const event of events) {
      const isSnapshot = event.kind === 'snapshot';
      const meshes = isSnapshot ? setSnapshot(this.#meshes, event.snapshot) : setDelta(this.#meshes, event);
      for (const mesh of meshes) this.#due.add(mesh);
      this.#set = isSnapshot ? revisionsOf(event.snapshot) : newest(this.#set, revisionsOf(event));
    }
    this.#queue.noteConfig(this.#set.config);
    const startedAt = this.options.clock.monotonic();
    const compilation = new Compilation([...this.#due].map((mesh) => this.host(mesh)));
    const computedBefore = this.#computed(this.#due);
    this.#running = { compilation, revisions: this.#set, startedAt, computedBefore, slices: 0 };
    this.#slice(this.#running);
  }

  #slice(running: Running): void {
    const budget = this.slice();
    let isDone: boolean;
    running.slices += 1;
    try {
      isDone = running.compilation.step(budget);
    } catch (error) {
      this.#running = undefined;
      throw error;
    }
    // Adoption cannot be cut: it has a turn of its own when this one was used up.
    if (isDone && !budget.exhausted()) this.#adopt(running);
    else this.#defer(() => this.#later(() => this.#running === running && this.#slice(running)));
  }

  /** Nobody is there to catch what deferred work throws. */
  #later(work: () => unknown): void {
    try {
      work();
    } catch (error) {
      this.options.log.error('a compilation failed and will be tried again', { reason: String(error) });
      this.options.metrics.count('heddle_compile_failures_total');
      this.options.clock.after(RETRY_MS, () => {
        if (!this.#running && this.#due.size > 0) this.#later(() => this.#start(this.#queue.take()));
      });
    }
  }

  /** A turn of the event loop, from now on. */
  slice(): PassBudget {
    const { clock } = this.options;
    const end = clock.monotonic() + SLICE_MS;
    return { exhausted: () => clock.monotonic() >= end };
  }

  #adopt(running: Running): void {
    this.#running = undefined;
    const adopted = running.compilation.adopt();
    const computed = this.#computed(this.#due) - running.computedBefore;
    this.#due.clear();
    this.#configRevision = running.revisions.config;
    this.#runtimeRevision = Math.max(this.#runtimeRevision, running.revisions.runtime);
    const seconds = (this.options.clock.monotonic() - running.startedAt) / 1000;
    const published = adopted.map(({ mesh, compiled }) => {
      this.#publish(mesh, this.host(mesh).lanes.adopt(compiled));
      return { mesh, compiled, change: this.#changes };
    });
    this.options.metrics.observe('heddle_pass_seconds', seconds);
    this.#loaded = true;
    this.options.metrics.gauge('heddle_config_revision', this.#configRevision);
    const { slices } = running;
    const { configRevision } = this;
    this.options.adopted?.({ configRevision, tookMs: seconds * 1000, slices, computed, published });
    for (const waiter of this.#waiters) {
      if (waiter.revision <= this.#configRevision) waiter.done();
    }
    if (this.#queue.isEmpty) this.#noteIdle();
    else this.#start(this.#queue.take());
  }

  #computed(meshes: Iterable<string>): number {
    return [...meshes].reduce((sum, mesh) => sum + this.host(mesh).graph.counters.run, 0);
  }

  /** A quick pass over what is published now, while a long one is under way. */
  #overtake(delta: Delta): void {
    const startedAt = this.options.clock.monotonic();
    this.#runtimeRevision = Math.max(this.#runtimeRevision, delta.runtimeRevision);
    for (const mesh of setDelta(this.#meshes, delta)) {
      const { graph, lanes } = this.host(mesh);
      this.#publish(mesh, lanes.behind(graph.pass()));
    }
    this.options.metrics.observe('heddle_pass_seconds', (this.options.clock.monotonic() - startedAt) / 1000);
  }

  /** A lane follows its mesh as soon as there is time. */
  #followLane(mesh: string): void {
    if (this.#following.has(mesh)) return;
    this.#following.add(mesh);
    this.#defer(() => {
      this.#following.delete(mesh);
      this.#later(() => {
        const { lanes } = this.host(mesh);
        const done = lanes.step(this.slice());
        if (done) this.#publish(mesh, done.compiled, done.of);
        else if (lanes.isBehind) this.#followLane(mesh);
      });
      this.#noteIdle();
    });
  }

  #publish(mesh: string, compiled: CompiledChange, lane?: PublishedChange['lane']): void {
    for (const failure of compiled.failures) {
      this.options.log.error('a resource could not be compiled and is withheld', { mesh, ...failure });
      this.options.metrics.count('heddle_compile_failures_total');
    }
    this.#changes += 1;
    this.options.publish(publication(this.#changes, compiled));
    this.options.published({
      change: this.#changes,
      mesh,
      configRevision: this.#configRevision,
      runtimeRevision: this.#runtimeRevision,
      touched: touchedBy(compiled),
      resources: compiled.set,
      viewsChanged: compiled.views.length + compiled.removedViews.length > 0,
      lane: lane && { id: lane.id, revision: lane.revision },
    });
    if (this.host(mesh).lanes.isBehind) this.#followLane(mesh);
  }
}

type WithRevisions = Pick<Delta, 'configRevision' | 'runtimeRevision'>;
const revisionsOf = ({ configRevision, runtimeRevision }: WithRevisions): Revisions => ({
  config: configRevision,
  runtime: runtimeRevision,
});
const newest = (a: Revisions, b: Revisions): Revisions => ({
  config: Math.max(a.config, b.config),
  runtime: Math.max(a.runtime, b.runtime),
});
