/** The part of the contract that is about changes on trial: made for some proxies first, or taken back unless confirmed. */
import type { StagedState } from '#libs/kernel';
import type { Manifest, ResourceId } from '#libs/model';
import type { Lease } from '../leases/lease.port.js';
import type { StoredResource, StoreRefusal, WriteRequest } from '../resources/resource.port.js';
import type { Actor } from '../values.port.js';
import type { StagedOptions } from './staged-write.port.js';

export type { StagedState };

export type StagedItem =
  | {
      readonly op: 'put';
      readonly id: ResourceId;
      readonly manifest: Manifest;
      readonly hostnames: readonly string[];
      readonly ifVersion: number;
    }
  | { readonly op: 'delete'; readonly id: ResourceId; readonly ifVersion: number };

export interface StagedChange {
  /** `s-<number>` */
  readonly id: string;
  readonly mesh: string;
  readonly state: StagedState;
  readonly options: StagedOptions;
  readonly actor: Actor;
  readonly message: string;
  readonly reverts: string | undefined;
  readonly items: readonly StagedItem[];
  /** Index in `options.waves`. */
  readonly wave: number;
  /** Proxies that have it while it is open, `<namespace>/<instance>`, sorted. */
  readonly members: readonly string[];
  /** Config revision of its newest step. */
  readonly revision: number;
  /** Of the change that made it everybody's; undefined = not yet. */
  readonly appliedRevision: number | undefined;
  /** Why it is held, reverted or failed, or what it is queued behind; ''. */
  readonly reason: string;
  /** RFC 3339, Postgres's clock. */
  readonly createdAt: string;
  readonly stepAt: string;
  /** Milliseconds since the newest step, by Postgres's clock. */
  readonly stepAgeMs: number;
  /** Milliseconds until it is taken back unless confirmed; negative = overdue; undefined = needs no confirmation, or not yet. */
  readonly confirmLeftMs: number | undefined;
}

export interface StageRequest extends WriteRequest {
  readonly options: StagedOptions;
  /** Of the first wave. Of no account when it is queued. */
  readonly members: readonly string[];
}

/** A step that writes no resource. */
export interface StagedStep {
  readonly id: string;
  readonly actor: Actor;
  /** What it must be for the step to be made. */
  readonly from: { readonly states: readonly StagedState[]; readonly wave?: number };
  readonly to: {
    readonly state: StagedState;
    readonly wave?: number;
    readonly members?: readonly string[];
    readonly reason?: string;
  };
  /** For a job's step. */
  readonly lease?: Lease;
}

/** What one replica has seen of a staged change at the proxies that it serves. Opaque to the store. */
export interface StagedReport {
  readonly replica: string;
  /** Step that it is about. */
  readonly revision: number;
  readonly evidence: unknown;
  readonly ageMs: number;
}

/** An open staged change as replicas compile it. */
export interface Candidate {
  readonly id: string;
  readonly mesh: string;
  readonly revision: number;
  readonly wave: number;
  readonly members: readonly string[];
  /** As rows; what is new is younger than everything. */
  readonly puts: readonly StoredResource[];
  readonly deletes: readonly ResourceId[];
  /** Numbers of its services, `<namespace>/<name>`. */
  readonly addresses: ReadonlyMap<string, number>;
}

export interface StagedChanges {
  /** Opens it, or queues it behind the open one. The resources are checked as by a write, and kept aside. */
  stage(request: StageRequest): Promise<{ ok: true; value: StagedChange } | { ok: false; error: StoreRefusal }>;
  /** @param id `s-<number>`, or the change `c-<revision>` that made it everybody's */
  get(mesh: string, id: string): Promise<StagedChange | undefined>;
  /** The newest first. @param limit 1 to 500 */
  list(mesh: string, limit: number): Promise<readonly StagedChange[]>;
  /** Those of all meshes that are not over, the oldest first. */
  unfinished(): Promise<readonly StagedChange[]>;
  /** @returns the change after it; undefined = it was something else by then. @throws LeaseLost */
  step(step: StagedStep): Promise<StagedChange | undefined>;
  report(id: string, report: Omit<StagedReport, 'ageMs'>): Promise<void>;
  reports(id: string): Promise<readonly StagedReport[]>;
  /** Replicas that serve proxies and were seen of late: whose word is waited for. */
  replicas(): Promise<readonly string[]>;
}
