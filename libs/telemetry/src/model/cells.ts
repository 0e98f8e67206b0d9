import type { LatencySketch } from './latency-sketch.js';
import type { Outcome } from './outcome.js';

/** What collectors leave: coarser ones are made of these. Milliseconds. */
export const BUCKET_MS = 10_000;

/** A stretch of time of one resolution. */
export interface Bucket {
  /** Its start: milliseconds since the epoch, a multiple of its length, in the control plane's clock. */
  readonly at: number;
  /** Its length. Milliseconds. */
  readonly lengthMs: number;
  /** False when something that belongs here was dropped: counts are then lower bounds. */
  readonly complete: boolean;
}

/** A dimension's value when a row budget is used up; what could not be told is the empty string. */
export const OTHER = 'other';

/** From one workload to one service by one route, with one outcome. Whole requests as the caller was answered, and the attempts they took. */
export interface EdgeCell extends Bucket {
  /** `<namespace>/<workload>`, of the verified identity; empty for a caller without one. */
  readonly caller: string;
  /** `<namespace>/<service>/<port>`. */
  readonly callee: string;
  /** Of the route's backend; empty without one. */
  readonly subset: string;
  /** `<kind>/<namespace>/<name>/<rule>`. */
  readonly route: string;
  readonly outcome: Outcome;
  /** HTTP status that the caller got, 0 for none. */
  readonly status: number;
  /** Requests that ended so. Exact for failures; others are scaled from the sample. */
  readonly requests: number;
  /** Attempts that ended so: a request that failed twice and then succeeded is two attempts with that failure and one `ok`. */
  readonly attempts: number;
  /** Of the requests, from their first byte to the last of the answer, every attempt and wait included. */
  readonly latencies: LatencySketch;
}

/** Attempts that one instance was sent, with one outcome, whoever sent them. */
export interface InstanceCell extends Bucket {
  /** `<namespace>/<service>/<port>`. */
  readonly callee: string;
  /** `<namespace>/<workload>/<instance>`; its address where no instance is known; empty when none was chosen. */
  readonly instance: string;
  /** Its label `version`, empty without one. */
  readonly version: string;
  readonly zone: string;
  readonly outcome: Outcome;
  readonly attempts: number;
  /** Of the attempts. */
  readonly latencies: LatencySketch;
}

/** Attempts from one zone to another, for one service, with one outcome. */
export interface ZoneCell extends Bucket {
  readonly callerZone: string;
  readonly calleeZone: string;
  readonly callee: string;
  readonly outcome: Outcome;
  readonly attempts: number;
  readonly latencies: LatencySketch;
}

/** What happened in the mesh beside its traffic. */
export interface TimelineEvent {
  /** Milliseconds since the epoch, in the control plane's clock. */
  readonly at: number;
  readonly kind: 'change' | 'refusal' | 'rotation' | 'instance_joined' | 'instance_left' | 'instance_unready';
  /** What the rest of Heddle knows it by: a change's id, a certificate's serial, an instance. */
  readonly id: string;
  /** One line for a reader. */
  readonly title: string;
  /** What it touches: `<namespace>/<name>` of services and workloads, `<namespace>/<workload>/<instance>` of instances. Empty: the whole mesh. */
  readonly touches: readonly string[];
  /** That a plan of reversal exists: a change that can be rolled back. */
  readonly reversible: boolean;
}
