/**
 * What REST answers with, for the server and for whoever reads its answers, so that the two cannot differ. Types only, and
 * of nothing that runs on a server alone: `#libs/api/views` is a door for browsers, too.
 */
import type {
  Delivery,
  DeliveryState,
  Known,
  PolicyExplanation,
  ProxyOfRevision,
  ProxyResources,
  ProxyThen,
  RequestExplanation,
  ResourceExplanation,
  StagedReportView,
} from '#libs/changes';
import type { FieldChange } from '#libs/diff';
import type { ResourceId } from '#libs/model';
import type { PatternView } from '#libs/patterns';
import type { BadContent, Happening, HistoryEntry, QuarantinedResource, StagedChange } from '#libs/store';

/** Answers are about resources, not about what decides who may see them: labels are left out, wherever they are. */
export type Told<T> = T extends Known
  ? Omit<T, 'labels'>
  : T extends readonly (infer Item)[]
    ? readonly Told<Item>[]
    : T extends object
      ? { readonly [Name in keyof T]: Told<T[Name]> }
      : T;

/** What its reader may see. */
interface Cut {
  /** How many more there are that the reader may not see. */
  readonly hidden: number;
}

export interface ListView<T> extends Cut {
  readonly items: readonly T[];
}

/** One that goes on. */
export interface PageView<T> extends ListView<T> {
  /** Of the next page; absent = this was the last. */
  readonly cursor?: string | undefined;
}

/** Of a time: from when to when, RFC 3339. */
interface Timed {
  readonly from: string;
  readonly to: string;
}

/** Something that happened beside the traffic. */
export type HappeningView = Omit<Happening, 'at'> & {
  /** RFC 3339. */
  readonly at: string;
};

export type TimelineView = ListView<HappeningView> & Timed;
export type PatternsView = ListView<PatternView> & Timed;

// Why things are as they are.

export type ProxyResourcesView = Told<ProxyResources> & Cut;
export type ResourceExplanationView = Told<ResourceExplanation> & Cut;
export type RequestExplanationView = Told<RequestExplanation> & Cut;
export type ProxyThenView = Told<ProxyThen> & Cut;
export type ProxyOfRevisionView = Told<ProxyOfRevision> & Cut;
export type PolicyExplanationView = Told<PolicyExplanation> & {
  readonly hidden: {
    readonly resources: number;
    readonly proxies: number;
    readonly scraped: number;
    readonly fields: number;
  };
};

// The past.

/** An entry without what the caller may not read. */
export type VisibleEntry = HistoryEntry & {
  /** Further resources of the change: "and 14 others". Absent = none. */
  readonly hidden?: number;
};

/** How far a change has come at the proxies. */
export interface DeliverySummary {
  readonly state: DeliveryState;
  readonly acked: number;
  readonly total: number;
  /** Proxies. */
  readonly refused: number;
}

export type HistoryItem = VisibleEntry & { readonly delivery?: DeliverySummary };

// Changes on their way.

/** A delivery without the names, and words, that the caller may not read. */
export type VisibleDelivery = Delivery & {
  /** Further proxies and refusals. Absent = none. */
  readonly hidden?: number;
};

/** What an event, and the page, say of how far a change has come. */
export interface ChangeState {
  readonly change: string;
  /** Of config revisions. */
  readonly delivery?: VisibleDelivery;
  /** What the aspect of this name says: the trial that it is on, or was. */
  readonly staged?: StagedView;
}

/** What a change did to one resource. */
export interface ChangedItem extends ResourceId {
  readonly op: 'create' | 'update' | 'delete';
  /** For `update`. */
  readonly fields: readonly FieldChange[];
  /** For `create` and `delete`: the whole manifest. */
  readonly manifest?: unknown;
}

export interface ChangePage extends ChangeState {
  readonly revision?: number;
  readonly at?: string;
  readonly actor?: string;
  readonly message?: string;
  readonly reverts?: string;
  readonly items: readonly ChangedItem[];
  /** Further resources that the caller may not read: "and 14 others". Absent = none. */
  readonly hidden?: number;
}

/** A change that some proxies are given first. */
export interface StagedView {
  readonly id: string;
  readonly mesh: string;
  readonly state: StagedChange['state'];
  readonly actor: string;
  readonly message: string;
  readonly createdAt: string;
  readonly stepAt: string;
  /** What it writes. */
  readonly items: readonly (ResourceId & { readonly op: 'put' | 'delete' })[];
  /** Waves in percent, and which of them, from 1; 0 = not opened, or everybody has it. */
  readonly waves: readonly number[];
  readonly wave: number;
  /** Proxies that have it while it is open. */
  readonly members: readonly string[];
  /** The change that made it everybody's, `c-<revision>`. */
  readonly change: string | undefined;
  /** Why it is held, reverted, failed or queued; what it waits for. */
  readonly reason: string;
  /** Seconds until it is taken back unless confirmed. */
  readonly confirmWithinSeconds: number | undefined;
  /** What has been seen of its newest step; absent when it is over. */
  readonly seen?: Omit<StagedReportView, 'waitsFor'> | undefined;
  /** Resources and proxies that the reader may not see. Absent = none. */
  readonly hidden?: number;
}

// What is not served as it was written.

export interface QuarantineView extends ListView<Omit<QuarantinedResource, 'labels'>> {
  /** Compiled contents that proxies died of, without their bytes. */
  readonly contents: readonly Omit<BadContent, 'instead' | 'key' | 'mesh'>[];
}
