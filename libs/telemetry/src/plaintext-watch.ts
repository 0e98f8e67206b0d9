import { type Clock, type Log, parseNodeId, type RequestCount, Turns } from '#libs/kernel';
import type { PlaintextReport, PlaintextUses } from '#libs/store';
import { plaintextPort } from './stat-names.js';

export interface PlaintextWatchOptions {
  readonly counts: { all(): Iterable<RequestCount> };
  readonly uses: Pick<PlaintextUses, 'report'>;
  readonly clock: Clock;
  readonly log: Log;
}

/** How often it is looked. Milliseconds. */
const EVERY_MS = 2_000;
/** What is older says nothing of who calls now. Milliseconds. */
export const PLAINTEXT_WINDOW_MS = 300_000;

interface Port {
  last: number;
  /** What came between two looks, the oldest first. */
  readonly news: { readonly at: number; readonly requests: number }[];
}

/** Notes for all replicas which ports of the sidecars that report here are still used without mutual TLS. */
export class PlaintextWatch {
  readonly #ports = new Map<string, Port>();
  readonly #looks = new Turns(() => this.#look());

  constructor(private readonly options: PlaintextWatchOptions) {
    this.#looks.start(options.clock, EVERY_MS);
  }

  /** Resolves when what was new is noted, or could not be: then it is noted with what comes next. */
  look(): Promise<void> {
    return this.#looks.take();
  }

  stop(): Promise<void> {
    return this.#looks.stop();
  }

  async #look(): Promise<void> {
    const reports = this.#news();
    if (reports.length === 0) return;
    try {
      await this.options.uses.report(reports);
    } catch (error) {
      this.options.log.debug('use of plaintext could not be noted', { reason: String(error) });
      for (const { node, port } of reports) this.#forget(`${node} ${port}`);
    }
  }

  /** The newest look is taken back: it will be looked at again. */
  #forget(key: string): void {
    const known = this.#ports.get(key);
    const newest = known?.news.pop();
    if (known && newest) known.last -= newest.requests;
  }

  #news(): readonly PlaintextReport[] {
    const now = this.options.clock.monotonic();
    const seen = new Set<string>();
    const reports: PlaintextReport[] = [];
    for (const { node, scope, requests } of this.options.counts.all()) {
      const port = plaintextPort(scope);
      const mesh = port === undefined ? undefined : parseNodeId(node)?.mesh;
      if (port === undefined || mesh === undefined) continue;
      const key = `${node} ${port}`;
      seen.add(key);
      const inWindow = this.#count(key, requests, now);
      if (inWindow !== undefined) reports.push({ mesh, node, port, requests: inWindow });
    }
    for (const key of this.#ports.keys()) if (!seen.has(key)) this.#ports.delete(key);
    return reports;
  }

  /** @returns requests in the window; undefined when none of them is new */
  #count(key: string, requests: number, now: number): number | undefined {
    const known = this.#ports.get(key) ?? { last: 0, news: [] };
    this.#ports.set(key, known);
    // A sidecar that was forgotten in between begins at nothing.
    const fresh = requests - (requests < known.last ? 0 : known.last);
    known.last = requests;
    if (fresh <= 0) return undefined;
    known.news.push({ at: now, requests: fresh });
    while ((known.news[0]?.at ?? now) < now - PLAINTEXT_WINDOW_MS) known.news.shift();
    return known.news.reduce((sum, one) => sum + one.requests, 0);
  }
}
