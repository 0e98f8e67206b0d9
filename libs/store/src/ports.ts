/** The store's contract: what the rest of Heddle may ask of Postgres, in plain values. */
import type { Authorities, Tokens } from './administration.port.js';
import type { AlertOutbox, AlertSources, Alerts, Silences } from './alerts/alert.port.js';
import type { AuditTrail, AuditVerdict } from './audit/audit.port.js';
import type { History } from './audit/history.port.js';
import type { Progress } from './delivery/progress.port.js';
import type { ChangeTrace } from './feed/change-traces.js';
import type { InstanceRow, Instances } from './instances/instance.port.js';
import type { Leases } from './leases/lease.port.js';
import type { Patterns } from './patterns/pattern.port.js';
import type { PlaintextUses } from './plaintext/plaintext.port.js';
import type { Past, Plans } from './plan.port.js';
import type { BadContent, BadContents } from './quarantine/content.port.js';
import type { Quarantines } from './quarantine/quarantine.port.js';
import type { Resources, StoredResource } from './resources/resource.port.js';
import type { Spans } from './span.port.js';
import type { Candidate, StagedChanges } from './staged/staged.port.js';
import type { Signals } from './telemetry/signal.port.js';
import type { Timeline } from './timeline/timeline.port.js';

export type * from './administration.port.js';
export type * from './alerts/alert.port.js';
export type * from './audit/audit.port.js';
export type * from './audit/history.port.js';
export * from './delivery/progress.port.js';
export type { ChangeTrace } from './feed/change-traces.js';
export type * from './instances/instance.port.js';
export type * from './leases/lease.port.js';
export type * from './patterns/pattern.port.js';
export type * from './plaintext/plaintext.port.js';
export type * from './plan.port.js';
export type * from './quarantine/content.port.js';
export type * from './quarantine/quarantine.port.js';
export type * from './resources/resource.port.js';
export type * from './span.port.js';
export type * from './staged/staged.port.js';
export type * from './staged/staged-write.port.js';
export type * from './telemetry/signal.port.js';
export type * from './timeline/timeline.port.js';
export type * from './values.port.js';

/** Thrown when Postgres is away, full, or a lock could not be had in time: nothing was written. REST answers 503 with Retry-After. */
export class StoreUnavailable extends Error {
  constructor(message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'StoreUnavailable';
  }
}

export interface Snapshot {
  readonly configRevision: number;
  readonly runtimeRevision: number;
  readonly resources: readonly StoredResource[];
  readonly instances: readonly InstanceRow[];
  /** Numbers allocated to services, by `<mesh>/<namespace>/<service>`. */
  readonly addresses: ReadonlyMap<string, number>;
  /** The open staged changes, at most one a mesh. */
  readonly candidates: readonly Candidate[];
  /** Of all meshes. */
  readonly badContents?: readonly BadContent[];
}

export type FeedEvent =
  | { readonly kind: 'snapshot'; readonly snapshot: Snapshot }
  | {
      readonly kind: 'delta';
      readonly configRevision: number;
      readonly runtimeRevision: number;
      readonly resources: readonly (
        | { readonly op: 'put'; readonly resource: StoredResource }
        | {
            readonly op: 'delete';
            readonly mesh: string;
            readonly kind: string;
            readonly namespace: string;
            readonly name: string;
          }
      )[];
      readonly instances: readonly (
        | { readonly op: 'put'; readonly instance: InstanceRow }
        | { readonly op: 'delete'; readonly mesh: string; readonly namespace: string; readonly name: string }
      )[];
      readonly addresses: ReadonlyMap<string, number>;
      /** Meshes in which a staged change took a step, with the one that is open now. */
      readonly candidates: ReadonlyMap<string, Candidate | undefined>;
      /** All of them, when they may be others. */
      readonly badContents?: readonly BadContent[] | undefined;
    };

/**
 * The feed of committed changes. Wakes on NOTIFY, polls every 2 s as a net, reads what is newer in one REPEATABLE READ
 * snapshot. The first event is a snapshot; a gap or a new epoch gives another snapshot.
 */
export interface Feed {
  start(listener: (event: FeedEvent) => void): Promise<void>;
  /** Looks now; resolves when everything committed before the call has been handed to the listener. */
  poke(): Promise<void>;
  /** Traces that config revisions after the one and up to the other were made in, as far as they are known here. */
  traced(after: number, upTo: number): readonly ChangeTrace[];
  /** False while Postgres cannot be reached. */
  readonly connected: boolean;
  stop(): Promise<void>;
}

/** Identity of the database, kept by each replica in its data directory (REL-4, REL-5). */
export interface DatabaseIdentity {
  readonly clusterId: string;
  readonly epoch: string;
  readonly configRevision: number;
  readonly schemaVersion: number;
}

export interface Store {
  readonly resources: Resources;
  readonly instances: Instances;
  readonly feed: Feed;
  readonly tokens: Tokens;
  readonly authorities: Authorities;
  readonly progress: Progress;
  readonly past: Past;
  readonly plans: Plans;
  readonly staged: StagedChanges;
  readonly history: History;
  readonly spans: Spans;
  readonly audit: AuditTrail;
  readonly leases: Leases;
  readonly quarantine: Quarantines;
  readonly badContents: BadContents;
  readonly plaintext: PlaintextUses;
  readonly timeline: Timeline;
  readonly patterns: Patterns;
  readonly signals: Signals;
  readonly alerts: Alerts;
  readonly silences: Silences;
  readonly alertOutbox: AlertOutbox;
  readonly alertSources: AlertSources;
  identity(): Promise<DatabaseIdentity>;
  /** The whole of `audit.verify()`. */
  verifyAudit(): Promise<AuditVerdict>;
  /** True if a trivial statement succeeds within a second. */
  ping(): Promise<boolean>;
  close(): Promise<void>;
}
