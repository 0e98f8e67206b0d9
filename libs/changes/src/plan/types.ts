/** What a plan is: a document for people and programs, kept by the store until it is applied or expires. */

import type { FieldChange } from '#libs/diff';
import type { Labels, ResourceId } from '#libs/model';
import type { ChangeMark } from '#libs/store';
import type { Denial } from '../authorize.js';
import type { ChangedGroup } from '../replay/compare.js';
import type { SampleRequest } from '../replay/types.js';
import type {
  ChangeOutcome,
  ChangeRefusal,
  Deletion,
  ResourceViolation,
  ResourceWarning,
  WriteContext,
} from '../types.js';
import type { Finding } from './findings/types.js';

/** Going back: to before a change, or to how everything was after a revision. */
export type Rollback = {
  /** What to do about resources that later changes have written too; default `refuse`. Of no account for `toRevision`. */
  readonly conflicts?: 'refuse' | 'skip' | 'overwrite' | undefined;
} & (
  | { readonly change: string; readonly toRevision?: undefined }
  | { readonly toRevision: number; readonly change?: undefined }
);

export interface PlanRequest extends WriteContext {
  readonly documents: readonly unknown[];
  readonly deletes: readonly Deletion[];
  /** The documents are all that this owner has: what else bears its label is deleted. */
  readonly prune?: { readonly owner: string } | undefined;
  /** Instead of documents and deletions. */
  readonly rollback?: Rollback | undefined;
  /** Prune and rollback touch kinds of security and administration only with it. */
  readonly includeSecurity?: boolean | undefined;
  /** Share of proxies, 0 to 100 %, above which replaced listeners are a finding; default 20. */
  readonly drainPercent?: number | undefined;
  /** Most Envoy resources that are shown field by field; default 200. */
  readonly details?: number | undefined;
  /** Sample requests, to see where they would go; default none. */
  readonly requests?: readonly SampleRequest[] | undefined;
  /** Whether it is kept, so that it can be applied by its id. */
  readonly save: boolean;
}

/** What the plan does to one resource. */
export interface IntentChange extends ResourceId {
  readonly op: 'create' | 'update' | 'delete' | 'unchanged';
  /** In the store when it was planned; 0 = it does not exist. */
  readonly version: number;
  /** For `update`: labels, annotations and spec. */
  readonly fields: readonly FieldChange[];
  /** For `create` and `delete`: the whole manifest. */
  readonly manifest?: unknown;
  /** For `update` and `unchanged`: as they are, and as they would be. Who may read by labels is judged by both. */
  readonly labels?: readonly Labels[];
  /** An update in words only: it means the same as before. */
  readonly sameMeaning?: true;
}

/** What the plan does to one Envoy resource. */
export interface EnvoyChange {
  readonly op: 'add' | 'change' | 'remove';
  /** `Cluster`, `Listener`, `RouteConfiguration`, ... */
  readonly type: string;
  /** As Envoy knows it. Several resources may have one name: every proxy has its own `inbound/http`. */
  readonly name: string;
  readonly key: string;
  readonly namespace: string;
  /** Proxies that are sent it, or lose it. */
  readonly proxies: number;
  /** For `change`: the decoded message field by field. */
  readonly fields?: readonly FieldChange[];
  /** For `add` and `remove`: the decoded message. */
  readonly content?: unknown;
  /** Its loopback address is allocated when the plan is applied; the one shown is provisional. */
  readonly provisionalAddress?: true;
}

/** A proxy that would notice. */
export interface TouchedProxy {
  readonly namespace: string;
  readonly instance: string;
  readonly workload: string;
  /** Resources that it is sent anew, changed, or loses. */
  readonly added: number;
  readonly changed: number;
  readonly removed: number;
  /** Listeners that are replaced or removed: their connections drain. */
  readonly listeners: number;
}

export interface Cost {
  /** Query functions that ran for the plan: what the change will cost the control plane. */
  readonly recomputed: number;
  /** Cells that were looked at, and dependency edges walked. */
  readonly verified: number;
  readonly edges: number;
}

/** Requests that go elsewhere, or are treated otherwise, for some callers. */
export interface ReplayGroup extends ChangedGroup {
  /** A few of the requests, in words. */
  readonly examples: readonly string[];
  /** Namespaces of callers, with how many of their proxies route so. */
  readonly callers: readonly { readonly namespace: string; readonly proxies: number }[];
}

/** What becomes of sample requests that callers send by the listener of all hosts. */
export interface Replay {
  readonly total: number;
  /** Whoever sends them. */
  readonly unchanged: number;
  /** The largest first. */
  readonly groups: readonly ReplayGroup[];
  /** What cannot be judged, by the position of the request. */
  readonly unsupported: readonly { readonly request: number; readonly example: string; readonly reason: string }[];
  /** Proxies with other routes whose Envoy has no such listener: nothing is said of their requests. */
  readonly skipped: number;
}

/** A resource that later changes have written as well. */
export interface RollbackConflict extends ResourceId {
  /** Oldest first. */
  readonly later: readonly ChangeMark[];
  readonly decision: 'skip' | 'overwrite';
}

export interface Plan {
  /** `p-<random>`; '' when it is not kept. */
  readonly id: string;
  readonly mesh: string;
  /** Config revision that it was made on. */
  readonly revision: number;
  readonly runtimeRevision: number;
  readonly message: string;
  readonly actor: string;
  /** RFC 3339; '' when it is not kept. */
  readonly createdAt: string;
  readonly expiresAt: string;
  /** The change that it takes back. */
  readonly reverts?: string | undefined;
  readonly intent: readonly IntentChange[];
  readonly envoy: {
    readonly added: number;
    readonly changed: number;
    readonly removed: number;
    readonly items: readonly EnvoyChange[];
    /** How many are in `items` without their fields, since there are so many. */
    readonly withoutFields: number;
  };
  /** Registered proxies, connected or not. */
  readonly proxies: { readonly total: number; readonly touched: number; readonly items: readonly TouchedProxy[] };
  readonly cost: Cost;
  readonly findings: readonly Finding[];
  /** Findings that hold now and would not any more. */
  readonly resolved: readonly Finding[];
  readonly warnings: readonly ResourceWarning[];
  readonly conflicts: readonly RollbackConflict[];
  /** Where sample requests would go; absent when there were none. */
  readonly replay?: Replay;
  /** What the reader may not see; absent = he sees all. */
  readonly hidden?: {
    readonly intent: number;
    readonly envoy: number;
    readonly proxies: number;
    readonly findings: number;
    /** Groups of requests. */
    readonly replay?: number;
  };
}

/** An input of a plan that has changed since. */
export interface ChangedInput extends ResourceId {
  /** Newest first; who did it. Empty where history no longer tells. */
  readonly by: readonly ChangeMark[];
}

/** What instances that came and went meanwhile did to a plan's effect. */
export interface RuntimeMoves {
  readonly proxies: { readonly planned: number; readonly now: number };
  readonly envoy: { readonly planned: number; readonly now: number };
  readonly appeared: readonly Finding[];
  readonly resolved: readonly Finding[];
}

export interface ApplyPlanRequest extends WriteContext {
  readonly id: string;
}

export interface AppliedPlan extends ChangeOutcome {
  /** Absent when the plan's effect is what was planned. */
  readonly moved?: RuntimeMoves | undefined;
}

/** What became of one resource between two revisions. */
export interface NetDifference extends ResourceId {
  readonly op: 'create' | 'update' | 'delete';
  readonly fields: readonly FieldChange[];
  /** For `create` and `delete`: the whole manifest. */
  readonly manifest?: unknown;
  /** Who, oldest first. */
  readonly changes: readonly ChangeMark[];
}

export interface Differences {
  readonly items: readonly NetDifference[];
  /** How many the reader may not see. */
  readonly hidden: number;
}

/** Why there is no plan, or why it was not applied. Nothing was written. */
export type PlanRefusal =
  | { readonly code: 'invalid'; readonly violations: readonly ResourceViolation[] }
  | { readonly code: 'not-found'; readonly resource: ResourceId }
  /** `named`: the caller has named the resources himself; others follow from a label, history or somebody else's plan. */
  | { readonly code: 'forbidden'; readonly denials: readonly Denial[]; readonly named: boolean }
  /** History no longer reaches back as far; the oldest revision that it does. */
  | { readonly code: 'history-removed'; readonly floor: number }
  /** This replica compiles nothing of the mesh, so it cannot say what a change would do. */
  | { readonly code: 'no-preview' }
  | { readonly code: 'unknown-change'; readonly change: string }
  | { readonly code: 'include-security'; readonly resources: readonly ResourceId[] }
  | { readonly code: 'rollback-conflict'; readonly conflicts: readonly Omit<RollbackConflict, 'decision'>[] }
  | { readonly code: 'plan-unknown' }
  | { readonly code: 'plan-expired'; readonly expiresAt: string }
  | { readonly code: 'plan-stale'; readonly inputs: readonly ChangedInput[] }
  /** Others keep writing; nothing that the plan read has changed. */
  | { readonly code: 'plan-contended' }
  | Extract<
      ChangeRefusal,
      { readonly code: 'idempotency-mismatch' | 'splits-pairs' | 'staged' | 'staged-moved' | 'two-sided' | 'unchanged' }
    >;
