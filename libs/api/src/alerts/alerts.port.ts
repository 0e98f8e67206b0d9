import type { SilenceRow } from '#libs/store';

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

/** What REST asks of alerting; every replica can answer. */
export interface AlertsPort {
  rules(mesh: string): Promise<readonly RuleStatus[]>;
  objectives(mesh: string): Promise<readonly ObjectiveView[]>;
  receivers(mesh: string): Promise<readonly ReceiverView[]>;
  /** @returns undefined when there is no such receiver */
  test(mesh: string, namespace: string, name: string): Promise<ReceiverTest | undefined>;
  /** A rules file as YAML, of everything in the mesh. */
  prometheusRules(mesh: string): Promise<string>;
  /** Which of the silences an alert with these labels is under. */
  silencedBy(silences: readonly SilenceRow[]): (labels: Readonly<Record<string, string>>) => SilenceRow | undefined;
}
