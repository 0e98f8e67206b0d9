/** Answers of REST about alerts, as far as the CLI prints them. */

export interface AlertView {
  readonly fingerprint: string;
  readonly state: string;
  readonly name: string;
  readonly severity: string;
  readonly namespace: string;
  readonly since: string;
  readonly startsAt: string | null;
  readonly endsAt: string | null;
  readonly summary: string;
  readonly description: string;
  readonly runbook: string;
  readonly ending: string;
  readonly unknownSeconds: number;
  readonly silence: number | null;
  /** In history: when it happened. */
  readonly at?: string;
}

export interface Listed<T> {
  readonly items: readonly T[];
  readonly hidden: number;
  readonly cursor?: string;
}

export interface RuleStatus {
  readonly namespace: string;
  readonly name: string;
  readonly state: string;
  readonly why: string;
  readonly condition: string;
  readonly severity: string;
  readonly holding: readonly string[];
}

export interface ObjectiveView {
  readonly namespace: string;
  readonly name: string;
  readonly target: { readonly kind: string; readonly name: string };
  readonly indicator: string;
  readonly objective: number;
  readonly current: number | null;
  readonly requests: number;
  readonly periodDays: number;
  readonly budgetLeft: number | null;
  readonly burnRate: number | null;
  readonly why: string;
}

export interface ReceiverView {
  readonly namespace: string;
  readonly name: string;
  readonly scope: string;
  readonly type: string;
  readonly to: string;
  readonly queued: number;
  readonly failed: number;
  readonly attempts: number;
  readonly sentAt?: string;
  readonly error: string;
}

export interface SilenceView {
  readonly id: number;
  readonly namespace: string;
  readonly matchers: readonly string[];
  readonly author: string;
  readonly reason: string;
  readonly endsAt: string;
  readonly endedBy: string;
  readonly active: boolean;
}
