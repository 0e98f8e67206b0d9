/** What alerting asks of the rest of Heddle: how the traffic was, and how the mesh and its control plane are. */
import type { Grouping, TrafficSelector } from '#libs/model';
import type { ProxyPlace } from '#libs/store';
import type { LatencySketch, Outcome } from '#libs/telemetry';

/** One look at a part of the traffic in a stretch of time. */
export interface SignalQuestion {
  readonly mesh: string;
  readonly traffic: TrafficSelector;
  /**
   * `requests`: whole requests as callers were answered (`EdgeCell`). `attempts`: what instances were sent (`InstanceCell`);
   * then `traffic` has neither caller nor route.
   */
  readonly what: 'requests' | 'attempts';
  readonly by: Grouping;
  /** Milliseconds since the epoch, in the control plane's clock: after `from`, up to `to`. Buckets of the store may round it outwards. */
  readonly from: number;
  readonly to: number;
  /** False: `latencies` may be left empty. */
  readonly latencies: boolean;
}

/** What was counted for one value of the grouping. */
export interface SignalGroup {
  /** What it is about, as cells name it; without a grouping all are empty. */
  readonly key: {
    /** `<namespace>/<service>/<port>` */
    readonly callee: string;
    /** `<kind>/<namespace>/<name>/<rule>`; with grouping Route. */
    readonly route: string;
    /** `<namespace>/<workload>`; with grouping Edge. */
    readonly caller: string;
    /** `<namespace>/<workload>/<instance>`; with grouping Instance. */
    readonly instance: string;
  };
  /** Requests, or attempts, by what became of them. Classes that did not occur may be absent. */
  readonly outcomes: ReadonlyMap<Outcome, number>;
  /** Attempts that the requests took; for `attempts` the same as all outcomes together. */
  readonly attempts: number;
  /** Of those with the outcome `ok`. */
  readonly latencies: LatencySketch;
}

/** The answer to one question. */
export interface SignalReading {
  /**
   * Milliseconds of the window of which nothing, or not everything, is known: no collector was there, something was dropped,
   * or it is older than what is kept. 0 = complete.
   */
  readonly missingMs: number;
  /** Those of which anything was counted, at most 1,000 with the most requests; without a grouping at most one. */
  readonly groups: readonly SignalGroup[];
}

/** Where the traffic is known. */
export interface Signals {
  /** All questions of an evaluation at once, so that they can be few statements. Answers come in their order. @throws StoreUnavailable */
  read(questions: readonly SignalQuestion[]): Promise<readonly SignalReading[]>;
}

export interface RefusingProxy extends ProxyPlace {
  /** `CDS`, `LDS`, ... */
  readonly type: string;
  readonly name: string;
  /** In Envoy's words: hostile until escaped. */
  readonly message: string;
}

/** How a mesh is, beside its traffic. Lists are of at most 1,000. */
export interface MeshFacts {
  /** Authorities in use, and the key that signs proxy tokens. `mesh` '' = those of the server. Milliseconds until the end, below 0 = over. */
  readonly authorities: readonly { readonly mesh: string; readonly purpose: string; readonly leftMs: number }[];
  /** Certificates of connected proxies, with no newer one, that have so little of their life left that a rule may be about them. */
  readonly certificates: readonly (ProxyPlace & { readonly leftMs: number; readonly lifeMs: number })[];
  readonly refusing: readonly RefusingProxy[];
  /** Connected, with something to answer for so long: `BEHIND_FROM_MS` or more. */
  readonly behind: readonly (ProxyPlace & { readonly forMs: number })[];
  /** Registered and not connected for so long; also those that were dropped for that within the last hour. */
  readonly offline: readonly (ProxyPlace & { readonly forMs: number })[];
}

/** How the control plane itself is. */
export interface ServerFacts {
  /** Replicas that ended without saying so, within the last day. */
  readonly silent: readonly { readonly replica: string; readonly forMs: number }[];
  /** What Postgres takes for a trivial statement, the median of the last few; NaN = not known yet. Milliseconds. */
  readonly databaseMs: number;
}
