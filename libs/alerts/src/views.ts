/** What is told of alerts: by REST, and to whoever reads its answers. Types only. */
import type { AlertRow, ReceiverDelivery, SilenceRow } from '#libs/store';

/** An alert as answers carry it. */
export interface AlertView {
  readonly fingerprint: string;
  readonly state: AlertRow['state'] | 'dropped';
  readonly name: string;
  readonly severity: string;
  /** '' = of the mesh as a whole. */
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly rule: AlertRow['rule'];
  /** RFC 3339: when its condition was first seen to hold, when it began to fire, when it ended; null = not yet. */
  readonly since: string;
  readonly startsAt: string | null;
  readonly endsAt: string | null;
  /** null = not known. */
  readonly value: number | null;
  readonly threshold: number;
  readonly unit: string;
  /** For a reader. */
  readonly summary: string;
  readonly description: string;
  readonly runbook: string;
  /** Why it ended, when not because its condition was over. */
  readonly ending: string;
  /** Seconds that nothing is known of it. */
  readonly unknownSeconds: number;
  /** Id of the silence that it is under; null = none. */
  readonly silence: number | null;
  readonly links: Readonly<Record<string, string>>;
}

/** An alert when it began, or ended. */
export type PastAlert = AlertView & { readonly at: string };

/** As it is stored. */
export type SilenceView = SilenceRow;

/** What a rule says now. */
export interface RuleStatus {
  readonly kind: string;
  /** '' = built in. */
  readonly namespace: string;
  readonly name: string;
  /** `unknown`: it could not be judged, or not all of it: what is pending or fires stays as it is. */
  readonly state: 'evaluated' | 'unknown' | 'disabled';
  /** Why it is not evaluated; '' else. */
  readonly why: string;
  /** What the condition is about: `Signal`, `ProxiesRefusing`, ... */
  readonly condition: string;
  readonly scope: 'Namespace' | 'Mesh';
  readonly severity: string;
  /** Of its samples those for which the condition holds, for the reader. */
  readonly holding: readonly string[];
}

export interface BurnStatus {
  readonly longSeconds: number;
  readonly shortSeconds: number;
  readonly limit: number;
  readonly severity: string;
  /** null = not known. */
  readonly long: number | null;
  readonly short: number | null;
}

/** How an objective stands. Numbers are null when nothing is known. */
export interface ObjectiveView {
  readonly namespace: string;
  readonly name: string;
  readonly target: { readonly kind: string; readonly name: string };
  readonly indicator: string;
  /** Share of good requests, 0 to 1: what is wanted and what is. */
  readonly objective: number;
  readonly current: number | null;
  readonly requests: number;
  readonly periodDays: number;
  /** Share of the error budget; below 0 = it is broken. */
  readonly budgetLeft: number | null;
  /** Of the last hour; 1 = the budget lasts exactly as long as the period. */
  readonly burnRate: number | null;
  /** Share of the period of which nothing is known. */
  readonly missing: number;
  readonly windows: readonly BurnStatus[];
  /** Why it is not known, or not all of it; '' else. */
  readonly why: string;
}

export interface ReceiverView {
  readonly namespace: string;
  readonly name: string;
  readonly scope: 'Namespace' | 'Mesh';
  /** `Webhook`, `Slack` or `Email`. */
  readonly type: string;
  /** Host or addresses; never a secret. */
  readonly to: string;
}

export interface ReceiverTest {
  readonly delivered: boolean;
  /** '' when it was. */
  readonly reason: string;
  readonly tookMs: number;
}

/** A receiver, with how far it has been told. */
export type ReceiverItem = ReceiverView & Omit<ReceiverDelivery, 'receiver'>;
