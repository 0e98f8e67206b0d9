/** What is answered about the signals of a mesh. */
import type { Outcome } from '../model/index.js';
import type { ChartPoint } from './signal-reader.js';
import type { GoldenSignals } from './tally.js';

/** Of every answer. */
export interface Answered {
  /** Between which times it was counted; RFC 3339, `to` is the first moment after. By Postgres's clock. */
  readonly from: string;
  readonly to: string;
  /** Something of that time was dropped, or is not kept any more: counts are lower bounds. */
  readonly incomplete: boolean;
}

export interface Listed<T> extends Answered {
  readonly items: readonly T[];
  /** How many more there are, beyond the limit. */
  readonly more: number;
  /** How many there are that the reader may not see. */
  readonly hidden: number;
}

export interface ServiceSignals extends GoldenSignals {
  readonly namespace: string;
  readonly name: string;
}

export interface RouteSignals extends GoldenSignals {
  /** `<kind>/<namespace>/<name>/<rule>`; '' = by none. */
  readonly route: string;
  /** '' = of no subset. */
  readonly subset: string;
}

export interface EdgeSignals extends GoldenSignals {
  /** `<namespace>/<workload>`; '' = without an identity; `others` = those that the reader may not see. */
  readonly caller: string;
  /** `<namespace>/<service>`; `others` = those that the reader may not see. */
  readonly callee: string;
  /** How many are summed up under `others`. */
  readonly others?: number;
  /** What failed most often; absent = nothing failed. */
  readonly failure?: Outcome;
}

export interface InstanceSignals extends GoldenSignals {
  /** `<namespace>/<workload>/<instance>`; its address where no instance is known; '' = none was chosen. */
  readonly instance: string;
  /** `<namespace>/<service>` */
  readonly service: string;
  readonly version: string;
  readonly zone: string;
}

export interface ZoneSignals extends GoldenSignals {
  /** '' = unknown. */
  readonly callerZone: string;
  readonly calleeZone: string;
}

export interface SignalChart {
  /** RFC 3339. */
  readonly from: string;
  readonly to: string;
  /** Milliseconds. */
  readonly stepMs: number;
  readonly points: readonly ChartPoint[];
}

export interface ServiceDetail extends Answered {
  readonly namespace: string;
  readonly name: string;
  readonly total: GoldenSignals;
  readonly chart: SignalChart;
  readonly routes: readonly RouteSignals[];
  readonly callers: readonly EdgeSignals[];
  readonly instances: readonly InstanceSignals[];
}

/** What one workload asks of one service. */
export interface EdgeDetail extends Answered {
  /** `<namespace>/<workload>`; '' = without an identity. */
  readonly caller: string;
  /** `<namespace>/<service>` */
  readonly callee: string;
  readonly total: GoldenSignals;
  readonly chart: SignalChart;
  /** Those by which most failed first, then the busiest. */
  readonly routes: readonly RouteSignals[];
  /** How many more routes there are, beyond the hundred that are told of. */
  readonly more: number;
}

export interface MapNode {
  readonly kind: 'service' | 'workload';
  /** `<namespace>/<name>`; '' = callers without an identity; `others` = those that the reader may not see. */
  readonly id: string;
  /** Of a service: what it is asked. */
  readonly signals?: GoldenSignals;
  /** Of a workload: requests, of TCP connections, without mutual TLS, in the last five minutes. Absent = none. */
  readonly plaintext?: number;
}

export interface MapEdge extends EdgeSignals {
  /** The caller has no identity, and the service is asked without mutual TLS. */
  readonly plaintext?: true;
}

export interface ServiceMap extends Answered {
  readonly nodes: readonly MapNode[];
  readonly edges: readonly MapEdge[];
  /** Which workloads answered for a service, in the last minutes. */
  readonly serves: readonly { readonly service: string; readonly workload: string }[];
  readonly more: number;
  readonly hidden: number;
}

export interface FailureView {
  /** RFC 3339. */
  readonly at: string;
  readonly what: string;
  readonly requestId: string;
  readonly caller: string;
  readonly callerInstance: string;
  readonly callee: string;
  readonly subset: string;
  readonly instance: string;
  readonly route: string;
  readonly outcome: string;
  readonly status: number;
  readonly flags: string;
  /** In Envoy's words. May hold anything: escape it. */
  readonly details: string;
  readonly method: string;
  readonly path: string;
  readonly durationMs: number;
  readonly attempt: number;
}

export interface FailurePage {
  readonly from: string;
  readonly to: string;
  readonly items: readonly FailureView[];
  /** There may be more: a page may hold fewer than were asked for, and even none. */
  readonly cursor?: string;
}
