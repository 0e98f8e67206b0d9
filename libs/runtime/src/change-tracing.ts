import { shortType } from '#libs/envoy-api';
import { type Clock, systemClock, type Tracer } from '#libs/kernel';
import type { Feed } from '#libs/store';
import type { ProgressTracker } from './progress/index.js';
import type { AdoptedPass } from './published.js';

export interface ChangeTracingOptions {
  readonly tracer: Tracer;
  readonly feed: Pick<Feed, 'traced'>;
  readonly progress: Pick<ProgressTracker, 'isAnswered' | 'revision' | 'onProgress'>;
  readonly replica: string;
  readonly clock: Clock;
  /** Of this machine, as every other span's times are. Milliseconds since the epoch. */
  readonly now?: () => number;
}

/** Nothing need be gathered for spans that nobody keeps. */
export const changeTracing = ({
  tracer,
  ...options
}: Omit<ChangeTracingOptions, 'tracer'> & { readonly tracer?: Tracer | undefined }): ChangeTracing | undefined =>
  tracer?.on ? new ChangeTracing({ ...options, tracer }) : undefined;

/** Changes of one pass that have spans of their own; of more, the newest. */
const MOST_AT_ONCE = 16;
/** Who has not answered by then is told of as behind. */
const DELIVERED_WITHIN_MS = 60_000;

interface Delivering {
  readonly parent: string;
  readonly revision: number;
  readonly mesh: string;
  readonly startedAt: number;
}

/**
 * Goes on with the trace of a change, on whichever replica it was made: read from the feed, compiled, delivered to the
 * proxies of this replica. One span each, whatever the number of proxies. Made only where spans are kept.
 */
export class ChangeTracing {
  #seen = 0;
  #compiled = 0;
  /** `traceparent` of the reading, by revision. */
  readonly #read = new Map<number, string>();
  /** By number of the publication. */
  readonly #delivering = new Map<number, Delivering[]>();
  readonly #now: () => number;

  constructor(private readonly options: ChangeTracingOptions) {
    this.#now = options.now ?? (() => systemClock.now());
    options.progress.onProgress((change) => this.#progressed(change));
  }

  /** The feed has handed over everything up to this revision. */
  seen(revision: number): void {
    const { tracer, feed, replica } = this.options;
    const endedAt = this.#now();
    for (const { revision: one, traceparent, heardAt } of feed.traced(this.#seen, revision).slice(-MOST_AT_ONCE)) {
      const values = { 'heddle.revision': one, 'heddle.replica': replica };
      const startedAt = Math.min(heardAt, endedAt);
      this.#read.set(one, tracer.record({ name: 'change read', parent: traceparent, startedAt, endedAt, values }));
    }
    this.#seen = Math.max(this.#seen, revision);
  }

  /** A pass was published. */
  adopted(pass: AdoptedPass): void {
    const { feed, tracer } = this.options;
    const traces = feed.traced(this.#compiled, pass.configRevision).slice(-MOST_AT_ONCE);
    this.#compiled = Math.max(this.#compiled, pass.configRevision);
    const endedAt = this.#now();
    for (const { revision, traceparent } of traces) {
      // A hint that came after its change had been read has no reading.
      const from = this.#read.get(revision) ?? traceparent;
      const values = { 'heddle.revision': revision, ...this.#valuesOf(pass) };
      const startedAt = endedAt - pass.tookMs;
      const parent = tracer.record({ name: 'change compile', parent: from, startedAt, endedAt, values });
      for (const { mesh, change } of pass.published)
        this.#deliver(change, { parent, revision, mesh, startedAt: endedAt });
    }
    if (traces.length > 0) this.#read.clear();
  }

  #valuesOf({ published, computed, slices }: AdoptedPass) {
    const all = published.flatMap(({ compiled }) => compiled);
    const set = all.flatMap((compiled) => compiled.set);
    return {
      'heddle.replica': this.options.replica,
      'heddle.queries': computed,
      'heddle.slices': slices,
      'heddle.resources': set.length,
      'heddle.resource_types': [...new Set(set.map(({ type }) => shortType(type)))].sort(),
      'heddle.layers': all.reduce((sum, { layers }) => sum + layers.length, 0),
      'heddle.views': all.reduce((sum, { views }) => sum + views.length, 0),
    };
  }

  #deliver(change: number, delivering: Delivering): void {
    const known = this.#delivering.get(change);
    if (known) known.push(delivering);
    else {
      this.#delivering.set(change, [delivering]);
      this.options.clock.after(DELIVERED_WITHIN_MS, () => this.#over(change));
    }
    this.#progressed(change);
  }

  #progressed(change: number): void {
    if (this.#delivering.has(change) && this.options.progress.isAnswered(change)) this.#over(change);
  }

  #over(change: number): void {
    const { tracer, progress, replica } = this.options;
    const delivering = this.#delivering.get(change) ?? [];
    this.#delivering.delete(change);
    const known = progress.revision(change)?.progress;
    const endedAt = this.#now();
    for (const { parent, revision, mesh, startedAt } of delivering) {
      const values = {
        ...{ 'heddle.revision': revision, 'heddle.mesh': mesh, 'heddle.replica': replica },
        'heddle.proxies': known?.total ?? 0,
        'heddle.proxies.acked': known?.acked ?? 0,
        'heddle.proxies.refusing': known?.refusing ?? 0,
        'heddle.proxies.behind': known?.behind.length ?? 0,
      };
      tracer.record({ name: 'change deliver', parent, startedAt, endedAt, values });
    }
  }
}
