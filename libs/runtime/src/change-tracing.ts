import { shortType } from '#libs/envoy-api';
import { type Clock, type SpanValues, systemClock, type Tracer } from '#libs/kernel';
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
/** A poll may read a change before its hint is heard, which names the trace: what was seen is told a moment later. */
const HINT_WITHIN_MS = 500;
/** Who has not answered by then is told of as behind. */
const DELIVERED_WITHIN_MS = 60_000;

/** A pass, as it will be told of. */
interface Seen {
  /** Config revisions after the one and up to the other. */
  readonly after: number;
  readonly upTo: number;
  readonly startedAt: number;
  readonly publishedAt: number;
  readonly values: SpanValues;
  readonly published: readonly { readonly mesh: string; readonly change: number }[];
}

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
  /** When the feed handed over everything up to a revision; only what is not told yet. */
  #reads: { readonly upTo: number; readonly at: number }[] = [];
  #compiled = 0;
  /** By number of the publication. */
  readonly #delivering = new Map<number, Delivering[]>();
  readonly #now: () => number;

  constructor(private readonly options: ChangeTracingOptions) {
    this.#now = options.now ?? (() => systemClock.now());
    options.progress.onProgress((change) => this.#progressed(change));
  }

  /** The feed has handed over everything up to this revision. */
  seen(revision: number): void {
    if (revision > (this.#reads.at(-1)?.upTo ?? 0)) this.#reads.push({ upTo: revision, at: this.#now() });
  }

  /** A pass was published. */
  adopted(pass: AdoptedPass): void {
    const { configRevision: upTo, tookMs, published } = pass;
    const after = this.#compiled;
    if (upTo <= after) return;
    this.#compiled = upTo;
    const publishedAt = this.#now();
    const seen = {
      ...{ after, upTo, publishedAt, startedAt: publishedAt - tookMs, values: this.#valuesOf(pass) },
      // Not what was compiled: its bytes would be kept.
      published: published.map(({ mesh, change }) => ({ mesh, change })),
    };
    this.options.clock.after(HINT_WITHIN_MS, () => this.#tell(seen));
  }

  #tell({ after, upTo, startedAt, publishedAt, values, published }: Seen): void {
    const { feed, tracer, replica } = this.options;
    for (const { revision, traceparent, heardAt } of feed.traced(after, upTo).slice(-MOST_AT_ONCE)) {
      const about = { 'heddle.revision': revision, 'heddle.replica': replica };
      const readAt = this.#reads.find((read) => read.upTo >= revision)?.at ?? startedAt;
      const read = { name: 'change read', startedAt: Math.min(heardAt, readAt), endedAt: readAt, values: about };
      const compile = { name: 'change compile', startedAt, endedAt: publishedAt, values: { ...about, ...values } };
      const parent = tracer.record({ ...compile, parent: tracer.record({ ...read, parent: traceparent }) });
      for (const { mesh, change } of published)
        this.#deliver(change, { parent, revision, mesh, startedAt: publishedAt });
    }
    this.#reads = this.#reads.filter((read) => read.upTo > upTo);
  }

  #valuesOf({ published, computed, slices }: AdoptedPass): SpanValues {
    const all = published.map(({ compiled }) => compiled);
    const set = all.flatMap((compiled) => compiled.set);
    return {
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
    // The last of a pass with several changes goes with the others.
    queueMicrotask(() => this.#progressed(change));
  }

  #progressed(change: number): void {
    if (this.#delivering.has(change) && this.options.progress.isAnswered(change)) this.#over(change);
  }

  #over(change: number): void {
    const { tracer, progress, replica } = this.options;
    const delivering = this.#delivering.get(change) ?? [];
    this.#delivering.delete(change);
    const known = progress.revision(change)?.progress;
    const isAnswered = progress.isAnswered(change);
    for (const { parent, revision, mesh, startedAt } of delivering) {
      const values = {
        ...{ 'heddle.revision': revision, 'heddle.mesh': mesh, 'heddle.replica': replica },
        'heddle.proxies': known?.total ?? 0,
        'heddle.proxies.acked': known?.acked ?? 0,
        'heddle.proxies.refusing': known?.refusing ?? 0,
        'heddle.proxies.behind': known?.behind.length ?? 0,
      };
      const endedAt = isAnswered && known ? startedAt + known.elapsedMs : this.#now();
      tracer.record({ name: 'change deliver', parent, startedAt, endedAt, values });
    }
  }
}
