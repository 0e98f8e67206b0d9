/** The part of the contract that is about alerts: what there is, what happened, who is to be told, and what was seen. */
import type { Lease } from '../leases/lease.port.js';
import type { Actor, Page } from '../values.port.js';

/** The life of an alert. Times are milliseconds; those `At` since the epoch, 0 = not yet. */
export interface AlertLife {
  readonly state: 'pending' | 'firing' | 'resolved';
  /** When the condition was first seen to hold. */
  readonly pendingAt: number;
  readonly firingAt: number;
  readonly resolvedAt: number;
  /** When it was looked at last. */
  readonly seenAt: number;
  /** How long it was seen to hold while pending. */
  readonly heldMs: number;
  /** How long it has been seen to be over while firing; below 0 = it holds. */
  readonly overMs: number;
  /** How long nothing is known of it. */
  readonly unknownMs: number;
}

/** One alert. */
export interface AlertRow extends AlertLife {
  readonly mesh: string;
  /** Of its labels: the same alert has the same one whenever it comes back. */
  readonly fingerprint: string;
  readonly rule: { readonly kind: string; readonly namespace: string; readonly name: string };
  readonly labels: Readonly<Record<string, string>>;
  /** undefined = not known. */
  readonly value?: number | undefined;
  readonly threshold: number;
  readonly unit: string;
  /** For a reader: what is the matter, with numbers. */
  readonly sentence: string;
  readonly description: string;
  readonly runbook: string;
  /** Why it ended; '' while it has not, or when its condition was over. */
  readonly ending: string;
}

export interface AlertEventRow {
  readonly id: number;
  /** RFC 3339. */
  readonly at: string;
  readonly state: AlertLife['state'] | 'dropped';
  readonly alert: AlertRow;
}

/** What a receiver has been told of a group of alerts. */
export interface AlertGroupRow {
  /** `<namespace>/<name>` */
  readonly receiver: string;
  readonly groupKey: string;
  /** When it was first seen, and when it was last told of; milliseconds since the epoch, 0 = never. */
  readonly firstAt: number;
  readonly lastAt: number;
  /** Alerts that it has been told fire: when they began, by fingerprint. */
  readonly told: Readonly<Record<string, number>>;
}

export interface NewNotification {
  readonly receiver: string;
  readonly groupKey: string;
  /** Opaque to the store. */
  readonly payload: unknown;
}

export interface NotificationRow extends NewNotification {
  readonly id: number;
  readonly mesh: string;
  readonly attempts: number;
  /** Milliseconds since it was written, by Postgres's clock. */
  readonly ageMs: number;
}

/** Everything that one look at a mesh comes to. */
export interface AlertTurn {
  readonly mesh: string;
  readonly put: readonly AlertRow[];
  /** Fingerprints. */
  readonly removed: readonly string[];
  readonly events: readonly Pick<AlertEventRow, 'state' | 'alert'>[];
  readonly groups: readonly AlertGroupRow[];
  readonly removedGroups: readonly Pick<AlertGroupRow, 'receiver' | 'groupKey'>[];
  readonly notifications: readonly NewNotification[];
}

export interface AlertHistoryQuery {
  readonly mesh: string;
  /** RFC 3339; at or after. */
  readonly since?: string | undefined;
  readonly fingerprint?: string | undefined;
  /** 1 to 500. */
  readonly limit: number;
  /** Opaque, from the page before. */
  readonly cursor?: string | undefined;
}

export interface NewSilence {
  readonly mesh: string;
  /** Of the alerts; '' = of all namespaces. */
  readonly namespace: string;
  /** As `printMatcher` writes them. */
  readonly matchers: readonly string[];
  readonly reason: string;
  /** From now on. Milliseconds. */
  readonly forMs: number;
}

export interface SilenceRow extends Omit<NewSilence, 'forMs'> {
  readonly id: number;
  readonly author: string;
  /** RFC 3339. */
  readonly startsAt: string;
  readonly endsAt: string;
  /** Who ended it before its time; '' = nobody. */
  readonly endedBy: string;
  readonly active: boolean;
}

/** How far a receiver has been told. */
export interface ReceiverDelivery {
  readonly receiver: string;
  /** Notifications that wait. */
  readonly queued: number;
  /** RFC 3339, of the last that arrived; undefined = none within what is kept. */
  readonly sentAt: string | undefined;
  /** Of the oldest one that waits. */
  readonly attempts: number;
  readonly error: string;
  readonly failed: number;
}

/** What one replica sees of its proxies in one mesh; at most 1,000 of each. */
export interface AlertObservation {
  readonly mesh: string;
  readonly refusing: readonly {
    readonly node: string;
    readonly type: string;
    readonly name: string;
    readonly message: string;
  }[];
  readonly behind: readonly { readonly node: string; readonly forMs: number }[];
}

/** A proxy, by its place. */
export interface ProxyPlace {
  readonly namespace: string;
  readonly workload: string;
  readonly instance: string;
}

/** What is known of a mesh beside its traffic; at most 1,000 of each. */
export interface AlertFacts {
  readonly authorities: readonly { readonly mesh: string; readonly purpose: string; readonly leftMs: number }[];
  readonly certificates: readonly (ProxyPlace & { readonly leftMs: number; readonly lifeMs: number })[];
  readonly observations: readonly AlertObservation[];
  readonly offline: readonly (ProxyPlace & { readonly forMs: number })[];
}

export interface Alerts {
  /** By fingerprint. */
  list(mesh: string): Promise<readonly AlertRow[]>;
  /** Newest first. */
  history(query: AlertHistoryQuery): Promise<Page<AlertEventRow>>;
  groups(mesh: string): Promise<readonly AlertGroupRow[]>;
  /** All or nothing. @throws LeaseLost; StoreUnavailable */
  commit(lease: Lease, turn: AlertTurn): Promise<void>;
  /**
   * Forgets what has outlived its time: events after 90 days and beyond half a million, silences 90 days after their end,
   * notifications after 7, and what is of a mesh that is gone.
   */
  prune(): Promise<void>;
}

export interface Silences {
  /** Those in force, and with `all` those that ended within the last 90 days; newest first, at most 500. */
  list(mesh: string, all?: boolean): Promise<readonly SilenceRow[]>;
  get(mesh: string, id: number): Promise<SilenceRow | undefined>;
  /** With an entry in the audit. */
  add(silence: NewSilence, by: Actor): Promise<SilenceRow>;
  /** With an entry in the audit. @returns false when there is none in force of this id */
  end(mesh: string, id: number, by: Actor): Promise<boolean>;
}

export interface AlertOutbox {
  /** Those that are due, of every receiver the oldest. */
  due(): Promise<readonly NotificationRow[]>;
  /** Receivers and groups for which one waits. */
  queued(mesh: string): Promise<readonly Pick<NotificationRow, 'receiver' | 'groupKey'>[]>;
  sent(id: number): Promise<void>;
  /** @param retryMs from now on; undefined = it is given up */
  failed(id: number, error: string, retryMs: number | undefined): Promise<void>;
  /** By receiver. */
  deliveries(mesh: string): Promise<readonly ReceiverDelivery[]>;
}

export interface AlertSources {
  /** Takes the place of what this replica has said before. Of a mesh that is not named nothing is seen. */
  observe(seen: readonly AlertObservation[]): Promise<void>;
  /** @param expiring certificates are looked for that have less than this percentage of their life left; 0 = none */
  facts(mesh: string, expiring: number): Promise<AlertFacts>;
  /** Replicas that ended without saying so within the last day; at most 1,000. */
  silentReplicas(): Promise<readonly { readonly replica: string; readonly forMs: number }[]>;
}
