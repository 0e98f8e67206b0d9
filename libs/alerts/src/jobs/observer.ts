import { type Clock, type Log, type Metrics, parseNodeId, Turns } from '#libs/kernel';
import { BEHIND_FROM_MS } from '#libs/model';
import type { AlertObservation, AlertSources } from '#libs/store';

/** What a replica sees of the proxies that are connected to it, now. */
export interface ProxyWatch {
  /** Node ids with what they refuse of what they should have. */
  refusals(): Iterable<{
    readonly node: string;
    readonly type: string;
    readonly name: string;
    readonly message: string;
  }>;
  /** Node ids of those that have something to receive or to answer. */
  behind(): Iterable<string>;
}

export interface ProxyObserverOptions {
  readonly sources: Pick<AlertSources, 'observe'>;
  readonly watch: ProxyWatch;
  /** At least 1. */
  readonly everySeconds: number;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** An Envoy's words may be 4 KB, and a thousand of them may refuse. */
const MESSAGE_LENGTH = 300;
/** Said again so often, so that it is known to be still so. */
const AGAIN_MS = 20_000;

/** Tells the other replicas, and the one that looks at alerts, what this one sees of its proxies. */
export class ProxyObserver {
  /** Since when each is behind. */
  #since = new Map<string, number>();
  #said = '';
  #saidAt = Number.NEGATIVE_INFINITY;
  readonly #looks = new Turns(() => this.#look());

  constructor(private readonly options: ProxyObserverOptions) {}

  start(): void {
    this.#looks.start(this.options.clock, this.options.everySeconds * 1_000);
    this.#looks.begin();
  }

  stop(): Promise<void> {
    return this.#looks.stop();
  }

  /** Looks, unless it is about to. @returns when it has been said; it never rejects */
  tick(): Promise<void> {
    return this.#looks.take();
  }

  async #look(): Promise<void> {
    const { sources, clock, log, metrics } = this.options;
    const seen = this.#observe(clock.monotonic());
    // Times pass by themselves: only who it is counts as news.
    const words = JSON.stringify(
      seen.map(({ behind, ...rest }) => ({ ...rest, behind: behind.map(({ node }) => node) })),
    );
    if (words === this.#said && (seen.length === 0 || clock.monotonic() - this.#saidAt < AGAIN_MS)) return;
    try {
      await sources.observe(seen);
      this.#said = words;
      this.#saidAt = clock.monotonic();
    } catch (error) {
      metrics.count('heddle_alert_turn_failures_total');
      log.warn('what proxies refuse could not be noted; it will be tried again', { reason: String(error) });
    }
  }

  #observe(now: number): readonly AlertObservation[] {
    const meshes = new Map<
      string,
      { refusing: AlertObservation['refusing'][number][]; behind: AlertObservation['behind'][number][] }
    >();
    const of = (node: string) => {
      const { mesh = '' } = parseNodeId(node) ?? {};
      const known = meshes.get(mesh) ?? { refusing: [], behind: [] };
      meshes.set(mesh, known);
      return known;
    };
    for (const { message, ...refusal } of this.options.watch.refusals())
      of(refusal.node).refusing.push({ ...refusal, message: message.slice(0, MESSAGE_LENGTH) });
    const since = new Map<string, number>();
    for (const node of this.options.watch.behind()) {
      const from = this.#since.get(node) ?? now;
      since.set(node, from);
      if (now - from >= BEHIND_FROM_MS) of(node).behind.push({ node, forMs: Math.round(now - from) });
    }
    this.#since = since;
    return [...meshes].map(([mesh, seen]) => ({ mesh, ...seen }));
  }
}
