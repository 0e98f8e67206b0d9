import type { Metrics } from '#libs/kernel';
import type { SignalQuery, SignalSpan, Signals } from '#libs/store';
import { Breath } from './breath.js';
import { isReadable, type OpenPage, openPage } from './page.js';

/** Of pages as they are read. Bytes. */
const MOST_BYTES = 64 * 1024 * 1024;
/** What one of them takes beside its bytes. */
const OVERHEAD_BYTES = 300;

interface Kept {
  readonly pages: readonly OpenPage[];
  readonly bytes: number;
}

/** The pages of one bucket. */
export interface BucketPages {
  readonly at: number;
  readonly pages: readonly OpenPage[];
}

/** A bucket of a query, and the name of its pages. */
interface Wanted {
  readonly at: number;
  readonly key: string;
  /** In which all shelves are, of a query for one. */
  readonly whole: string;
}

/**
 * Pages as they are read, of the buckets that were asked for last. What is past does not change, and whoever looks at a mesh
 * asks for it again and again. Pages are known by what is in their bucket: of one to which something came late there are others.
 */
export class KeptPages {
  /** The one that was asked for longest ago first. */
  readonly #kept = new Map<string, Kept>();
  #bytes = 0;

  constructor(
    private readonly signals: Pick<Signals, 'buckets' | 'read'>,
    private readonly metrics: Metrics,
    private readonly mostBytes = MOST_BYTES,
  ) {}

  /** By time. Pages that cannot be read are left out, and counted. */
  async read(query: SignalQuery): Promise<readonly BucketPages[]> {
    const wanted = await this.#wanted(query);
    const found = new Map<number, readonly OpenPage[]>();
    for (const { at, key, whole } of wanted) {
      const kept = this.#get(key) ?? this.#get(whole);
      if (kept) found.set(at, ofService(kept.pages, query.service));
    }
    const missing = wanted.filter(({ at }) => !found.has(at));
    for (const [at, pages] of await this.#fetch(query, missing)) found.set(at, pages);
    return [...found].toSorted(([a], [b]) => a - b).map(([at, pages]) => ({ at, pages }));
  }

  async #wanted({ mesh, view, spans, service }: SignalQuery): Promise<readonly Wanted[]> {
    const buckets = await this.signals.buckets(mesh, spans);
    return buckets.map(({ at, content }) => {
      const length = spans.find(({ from, to }) => at >= from && at < to)?.lengthMs ?? 0;
      const whole = [mesh, view, length, at, content].join('\n');
      return { at, whole, key: service ? `${whole}\n${service.prefix}` : whole };
    });
  }

  async #fetch(query: SignalQuery, missing: readonly Wanted[]): Promise<ReadonlyMap<number, readonly OpenPage[]>> {
    const spans = spansOf(query.spans, new Set(missing.map(({ at }) => at)));
    const rows = spans.length === 0 ? [] : await this.signals.read({ ...query, spans });
    const byBucket = Map.groupBy(rows, ({ at }) => at);
    const found = new Map<number, readonly OpenPage[]>();
    const breath = new Breath();
    for (const { at, key } of missing) {
      const pages: OpenPage[] = [];
      for (const row of byBucket.get(at) ?? []) isReadable(this.metrics, () => void pages.push(openPage(row)));
      this.#keep(key, pages);
      found.set(at, pages);
      await breath.taken();
    }
    return found;
  }

  #get(key: string): Kept | undefined {
    const kept = this.#kept.get(key);
    if (!kept) return undefined;
    this.#kept.delete(key);
    this.#kept.set(key, kept);
    return kept;
  }

  #keep(key: string, pages: readonly OpenPage[]): void {
    const bytes = pages.reduce((sum, { body }) => sum + body.length, key.length + OVERHEAD_BYTES);
    // Two queries at the same time may have fetched the same.
    this.#bytes -= this.#kept.get(key)?.bytes ?? 0;
    this.#kept.delete(key);
    this.#kept.set(key, { pages, bytes });
    this.#bytes += bytes;
    for (const [oldest, { bytes: freed }] of this.#kept) {
      if (this.#bytes <= this.mostBytes) break;
      this.#kept.delete(oldest);
      this.#bytes -= freed;
    }
  }
}

function ofService(pages: readonly OpenPage[], service: SignalQuery['service']): readonly OpenPage[] {
  if (!service) return pages;
  return pages.filter(({ shelf }) => shelf === service.shelf || shelf.startsWith(service.prefix));
}

/** The buckets of these begins, as few spans. */
function spansOf(spans: readonly SignalSpan[], begins: ReadonlySet<number>): readonly SignalSpan[] {
  const found: { lengthMs: number; from: number; to: number }[] = [];
  for (const { lengthMs, from, to } of spans)
    for (let at = from; at < to; at += lengthMs) {
      if (!begins.has(at)) continue;
      const last = found.at(-1);
      if (last && last.lengthMs === lengthMs && last.to === at) last.to += lengthMs;
      else found.push({ lengthMs, from: at, to: at + lengthMs });
    }
  return found;
}
