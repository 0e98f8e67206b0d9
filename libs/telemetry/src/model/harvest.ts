import type { EdgeCell, InstanceCell, ZoneCell } from './cells.js';
import type { Outcome } from './outcome.js';

/** A request that failed, as its caller saw it, or one attempt that did. */
export interface FailureRecord {
  /** When it began. Milliseconds since the epoch, in the control plane's clock. */
  readonly at: number;
  readonly what: 'request' | 'attempt';
  /** Envoy's `x-request-id`: joins a request with its attempts, on every hop. empty without one. */
  readonly requestId: string;
  readonly caller: string;
  /** `<namespace>/<workload>/<instance>` of the caller. */
  readonly callerInstance: string;
  readonly callee: string;
  readonly subset: string;
  readonly instance: string;
  readonly route: string;
  readonly outcome: Outcome;
  readonly status: number;
  /** Response flags, as Envoy writes them: `UF,URX`. */
  readonly flags: string;
  /** Why, in Envoy's words: response code details, and what the transport said. Escape it before you show it. */
  readonly details: string;
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  readonly durationMs: number;
  /** Which attempt it was, from 1 on; of a request, how many there were. */
  readonly attempt: number;
}

/** What one collector has for one mesh when a bucket has ended. */
export interface Harvest {
  readonly mesh: string;
  /** The collector: several may have parts of the same bucket. */
  readonly source: string;
  readonly edges: readonly EdgeCell[];
  readonly instances: readonly InstanceCell[];
  readonly zones: readonly ZoneCell[];
  readonly failures: readonly FailureRecord[];
}

/** Where collectors leave what they have. */
export interface HarvestStore {
  /** All or nothing; the same harvest twice counts once. @throws StoreUnavailable */
  write(harvest: Harvest): Promise<void>;
}
