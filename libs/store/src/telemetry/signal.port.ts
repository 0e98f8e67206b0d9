/** The part of the contract that is about telemetry: pages of cells in buckets of time, and single failures. */
import type { Lease } from '../leases/lease.port.js';
import type { Page } from '../values.port.js';

/** How requests are seen: of a service; by caller; by caller and route; by instance; by pair of zones. */
export type SignalView = 'service' | 'pair' | 'edge' | 'instance' | 'zone';

/** What is known of some services in one bucket, in one view. */
export interface SignalPage {
  readonly view: SignalView;
  /** Which services: always the same. Pages of builds before are of one, `<namespace>/<service>/<port>`. */
  readonly shelf: string;
  /** Of a format that the store does not know. */
  readonly cells: Uint8Array;
}

/** A request or an attempt that failed. Texts are as they came, but for what Postgres cannot hold. */
export interface StoredFailure {
  /** When it began. Milliseconds since the epoch. */
  readonly at: number;
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
  readonly details: string;
  readonly method: string;
  readonly path: string;
  readonly durationMs: number;
  readonly attempt: number;
}

/** What one collector has of one mesh for one bucket of the finest resolution. */
export interface SignalPart {
  readonly mesh: string;
  /** The collector. */
  readonly source: string;
  /** Begin of the bucket, milliseconds since the epoch: a multiple of ten seconds. */
  readonly at: number;
  /** False when something that belongs here was dropped. */
  readonly complete: boolean;
  /** One of each view and shelf. */
  readonly pages: readonly SignalPage[];
  readonly failures: readonly StoredFailure[];
}

/** A resolution, and what there is in it. */
export interface SignalTier {
  /** Length of its buckets. Milliseconds. */
  readonly lengthMs: number;
  /** Buckets from here on are kept. Milliseconds since the epoch. */
  readonly keptFrom: number;
  /** Buckets that begin before are there. Milliseconds since the epoch; of the finest, infinity: they come as they come. */
  readonly until: number;
}

export interface SignalTimes {
  /** By Postgres's clock. Milliseconds since the epoch. */
  readonly now: number;
  /** End of the newest bucket that somebody has left something for; 0 = none. Milliseconds since the epoch. */
  readonly newest: number;
  /** The finest first. */
  readonly tiers: readonly SignalTier[];
}

/** Buckets of one resolution. */
export interface SignalSpan {
  readonly lengthMs: number;
  /** Milliseconds since the epoch. */
  readonly from: number;
  /** The first after it. */
  readonly to: number;
}

export interface SignalQuery {
  readonly mesh: string;
  readonly view: SignalView;
  readonly spans: readonly SignalSpan[];
  /** Only this shelf, and pages of builds before whose service's name begins so: `<namespace>/<service>/`. */
  readonly service?: { readonly shelf: string; readonly prefix: string } | undefined;
}

export interface SignalRow {
  readonly at: number;
  readonly shelf: string;
  readonly cells: Uint8Array;
}

/** A bucket that somebody has left something for. */
export interface SignalBucket {
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** Of everything that is in it, in all views: another when any of it is another. */
  readonly content: string;
}

export interface FailureQuery {
  readonly mesh: string;
  /** Milliseconds since the epoch; `to` is the first after. */
  readonly from: number;
  readonly to: number;
  /** 1 to 500. */
  readonly limit: number;
  /** Of the page before. */
  readonly cursor?: string | undefined;
  /** Where it was to go: a beginning, such as `<namespace>/<service>/`. */
  readonly callee?: string | undefined;
  readonly caller?: string | undefined;
  readonly instance?: string | undefined;
  readonly route?: string | undefined;
  readonly outcome?: string | undefined;
  readonly requestId?: string | undefined;
}

/** A bucket that can be made of those of the resolution before. */
export interface DueBucket {
  readonly lengthMs: number;
  readonly at: number;
  /** Of what it is made of. Milliseconds. */
  readonly fromLengthMs: number;
  readonly meshes: readonly { readonly mesh: string; readonly complete: boolean }[];
  /** Of everything that it is made of. */
  readonly fingerprint: string;
  /** It is there already, and a part of it came late. */
  readonly isRedone: boolean;
}

/** A bucket that was made, of one mesh. */
export interface RolledMesh {
  readonly mesh: string;
  readonly complete: boolean;
  readonly pages: readonly SignalPage[];
}

/** How requests fared. Kept apart from everything else: it has few connections, and when Postgres is slow it fails first. */
export interface Signals {
  /**
   * All or nothing; takes the place of what the source has left for the bucket before. On a disk that is full the oldest
   * telemetry is given up, so that it can be tried again.
   * @returns false when the bucket is too old, or lies in the future: nothing was written
   * @throws StoreUnavailable
   */
  write(part: SignalPart): Promise<boolean>;
  times(mesh: string): Promise<SignalTimes>;
  /** Rows by shelf and time; several of a bucket where several sources have parts of it. */
  read(query: SignalQuery): Promise<readonly SignalRow[]>;
  /** Those of which there is something. What `read` returns after it is as old as this, or newer. */
  buckets(mesh: string, spans: readonly SignalSpan[]): Promise<readonly SignalBucket[]>;
  /** Begins of the buckets of which something was dropped. */
  incomplete(mesh: string, spans: readonly SignalSpan[]): Promise<readonly number[]>;
  /** Newest first. */
  failures(query: FailureQuery): Promise<Page<StoredFailure>>;
  /** The next bucket to make of finer ones; undefined = everything is made that can be. */
  due(): Promise<DueBucket | undefined>;
  /** What it is made of, by shelf. */
  contents(due: DueBucket, mesh: string, view: SignalView): Promise<readonly SignalRow[]>;
  /** @returns false when something of what it is made of has come since: to be made again. @throws LeaseLost, StoreUnavailable */
  finish(lease: Lease, due: DueBucket, meshes: readonly RolledMesh[]): Promise<boolean>;
  /** How long buckets of a resolution are kept at least; 0 = single failures. Milliseconds, one hour or more. */
  keep(lengthMs: number, keepMs: number): Promise<void>;
}
