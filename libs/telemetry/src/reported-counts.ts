import type { Clock, Metrics, RequestCount, RequestCounts } from '#libs/kernel';
import type { Counter } from './report.js';
import { type CountedAs, countedAs } from './stat-names.js';

export interface ReportedCountsOptions {
  readonly clock: Clock;
  readonly metrics: Metrics;
  /** Nodes kept, those included that are silent; default 20000. */
  readonly maxNodes?: number;
  /** Scopes kept of one node; default 5000. */
  readonly maxScopes?: number;
  /** A node without a stream, and a scope that no report names, is forgotten after this long. Milliseconds; default 10 minutes. */
  readonly forgetMs?: number;
}

interface Scope {
  requests: number;
  failures: number;
  heardAt: number;
}

interface Node {
  readonly scopes: Map<string, Scope>;
  streams: number;
  /** Milliseconds since the epoch of the last report, and of the last sign of a stream. */
  heardAt: number | undefined;
  aliveAt: number;
}

const SWEEP_MS = 60_000;
const FORGET_MS = 600_000;
/** More than any sidecar can count in one interval: what is beyond is no count. */
const MAX_DELTA = 1e9;

/** Sums of what sidecars report, by node. */
export class ReportedCounts implements RequestCounts {
  readonly #nodes = new Map<string, Node>();
  readonly #maxNodes: number;
  readonly #maxScopes: number;
  readonly #forgetMs: number;
  readonly #stopSweeps: () => void;

  constructor(private readonly options: ReportedCountsOptions) {
    const { maxNodes = 20_000, maxScopes = 5_000, forgetMs = FORGET_MS, clock } = options;
    [this.#maxNodes, this.#maxScopes, this.#forgetMs] = [maxNodes, maxScopes, forgetMs];
    this.#stopSweeps = clock.every(SWEEP_MS, () => this.#sweep());
  }

  *of(mesh: string): Iterable<RequestCount> {
    const prefix = `${mesh}/`;
    for (const [node, { scopes }] of this.#nodes) {
      if (!node.startsWith(prefix)) continue;
      for (const [scope, { requests, failures }] of scopes) yield { node, scope, requests, failures };
    }
  }

  /** Of all meshes. */
  *all(): Iterable<RequestCount> {
    for (const [node, { scopes }] of this.#nodes) {
      for (const [scope, { requests, failures }] of scopes) yield { node, scope, requests, failures };
    }
  }

  heardOf(node: string): number | undefined {
    return this.#nodes.get(node)?.heardAt;
  }

  /**
   * A stream of the node begins to report. Several of one node add up: each delta is sent once.
   * @returns the stream's own door; undefined when there is no room for another node
   */
  open(name: string): { add(counters: readonly Counter[]): void; close(): void } | undefined {
    const node = this.#nodes.get(name) ?? this.#make(name);
    if (!node) return undefined;
    node.streams++;
    return {
      add: (counters) => this.#add(node, counters),
      close: () => {
        node.streams--;
        node.aliveAt = this.options.clock.now();
      },
    };
  }

  stop(): void {
    this.#stopSweeps();
  }

  #make(name: string): Node | undefined {
    if (this.#nodes.size >= this.#maxNodes && !this.#forgetOne()) {
      this.#ignored('nodes');
      return undefined;
    }
    const node: Node = { scopes: new Map(), streams: 0, heardAt: undefined, aliveAt: this.options.clock.now() };
    this.#nodes.set(name, node);
    this.#gauge();
    return node;
  }

  #add(node: Node, counters: readonly Counter[]): void {
    const now = this.options.clock.now();
    node.heardAt = now;
    for (const { name, value } of counters) {
      const counted = countedAs(name);
      if (!counted) continue;
      if (!(value >= 0 && value <= MAX_DELTA)) this.#ignored('value');
      else this.#count(node, counted, { value, now });
    }
  }

  #count({ scopes }: Node, { scope, what }: CountedAs, { value, now }: { value: number; now: number }): void {
    let sums = scopes.get(scope);
    if (!sums) {
      if (scopes.size >= this.#maxScopes) {
        this.#ignored('scopes');
        return;
      }
      sums = { requests: 0, failures: 0, heardAt: now };
      scopes.set(scope, sums);
    }
    sums[what] += value;
    sums.heardAt = now;
  }

  #ignored(reason: 'nodes' | 'scopes' | 'value'): void {
    this.options.metrics.count('heddle_proxy_report_ignored_total', { reason });
  }

  /** Makes room: the node that has been without a stream for longest goes. */
  #forgetOne(): boolean {
    let longest: string | undefined;
    let since = Number.POSITIVE_INFINITY;
    for (const [name, { streams, aliveAt }] of this.#nodes) {
      if (streams === 0 && aliveAt < since) [longest, since] = [name, aliveAt];
    }
    return longest !== undefined && this.#nodes.delete(longest);
  }

  #sweep(): void {
    const before = this.options.clock.now() - this.#forgetMs;
    for (const [name, node] of this.#nodes) {
      if (node.streams === 0 && node.aliveAt < before) this.#nodes.delete(name);
      for (const [scope, { heardAt }] of node.scopes) if (heardAt < before) node.scopes.delete(scope);
    }
    this.#gauge();
  }

  #gauge(): void {
    this.options.metrics.gauge('heddle_reporting_proxies', this.#nodes.size);
  }
}
