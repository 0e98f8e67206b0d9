/** Domain values of alerting: what is watched, when it is an alert, and who is told. */
import type { Source } from './domain.js';
import type { FailureOutcome } from './outcome.js';

/** `critical`: somebody acts now. `warning`: somebody looks at it in working hours. `info`: for the record. */
export const ALERT_SEVERITIES = ['critical', 'warning', 'info'] as const;
export type AlertSeverity = (typeof ALERT_SEVERITIES)[number];

/** Whoever has had something to answer for less is on its way: nobody is told. Milliseconds. */
export const BEHIND_FROM_MS = 10_000;
/** A replica of the control plane that has not shown for so long that it lives is silent. Milliseconds. */
export const SILENT_FROM_MS = 15_000;

/** What every alert of a rule carries beside the labels that identify it. */
export interface AlertTexts {
  readonly labels: Readonly<Record<string, string>>;
  /** One paragraph for who is told; '' = none. */
  readonly description: string;
  /** Where it is written what to do; '' = nowhere. */
  readonly runbook: string;
}

/** Part of the traffic. Absent members mean all. */
export interface TrafficSelector {
  /** Of the callee. */
  readonly namespace: string | undefined;
  readonly service: string | undefined;
  /** Port of the service, as callers write it. */
  readonly port: number | undefined;
  /** `rule` '' = the whole route. */
  readonly route:
    | { readonly kind: string; readonly namespace: string; readonly name: string; readonly rule: string }
    | undefined;
  /** `<namespace>/<workload>` */
  readonly caller: string | undefined;
  /** `<namespace>/<workload>/<instance>` or the last part alone. */
  readonly instance: string | undefined;
}

/** No part is left out. */
export const ALL_TRAFFIC: TrafficSelector = {
  namespace: undefined,
  service: undefined,
  port: undefined,
  route: undefined,
  caller: undefined,
  instance: undefined,
};

/** Both windows burn the budget this fast: the long one says that it matters, the short one that it is still so. */
export interface BurnWindow {
  readonly longMs: number;
  readonly shortMs: number;
  /** 1 = the budget lasts exactly as long as the period. */
  readonly burnRate: number;
  readonly severity: AlertSeverity;
}

export type Indicator =
  /** Failures of these classes count neither way. */
  | { readonly type: 'Availability'; readonly ignore: readonly FailureOutcome[] }
  /** Of the requests that were answered without failure. */
  | { readonly type: 'Latency'; readonly thresholdMs: number };

export interface ServiceLevelObjective extends AlertTexts {
  readonly source: Source;
  readonly namespace: string;
  readonly name: string;
  readonly target: { readonly kind: string; readonly name: string };
  readonly traffic: TrafficSelector;
  readonly indicator: Indicator;
  /** Share of good requests, above 0 and below 1. */
  readonly objective: number;
  readonly periodMs: number;
  /** Strictest first. */
  readonly windows: readonly BurnWindow[];
  /** Fewer in the long window are not judged; 0 = any number is. */
  readonly minimumRequests: number;
  readonly keepFiringMs: number;
}

export type Aggregate = 'Rate' | 'FailurePercent' | 'Latency' | 'AttemptsPerRequest';
/** One alert for each of these; None = one for all of the traffic taken together. */
export type Grouping = 'None' | 'Service' | 'Route' | 'Edge' | 'Instance';

export interface SignalCondition {
  readonly type: 'Signal';
  readonly aggregate: Aggregate;
  readonly traffic: TrafficSelector;
  readonly by: Grouping;
  readonly windowMs: number;
  /** Above 0 and below 1; for Latency. */
  readonly quantile: number;
  readonly comparison: 'Above' | 'Below';
  /** Requests a second, percent, milliseconds, or attempts, by the aggregate. */
  readonly threshold: number;
  readonly minimumRequests: number;
  readonly ignore: readonly FailureOutcome[];
}

export type BuiltInCondition =
  | { readonly type: 'CertificateExpiry'; readonly remainingPercent: number }
  | { readonly type: 'AuthorityExpiry'; readonly withinMs: number }
  | { readonly type: 'ProxiesRefusing'; readonly moreThan: number }
  /** At least `BEHIND_FROM_MS`. */
  | { readonly type: 'ProxiesBehind'; readonly moreThan: number; readonly longerThanMs: number }
  | { readonly type: 'ProxiesOffline'; readonly moreThan: number; readonly longerThanMs: number }
  | { readonly type: 'ReplicaGone'; readonly longerThanMs: number }
  | { readonly type: 'DatabaseSlow'; readonly slowerThanMs: number }
  | { readonly type: 'TelemetryIncomplete'; readonly missingPercent: number; readonly windowMs: number };

/** The narrowest scope that a rule with the condition can have: `Mesh` = it is about all of the mesh, or about the control plane. */
export const CONDITION_SCOPES: Readonly<Record<BuiltInCondition['type'], AlertRule['scope']>> = {
  CertificateExpiry: 'Namespace',
  AuthorityExpiry: 'Mesh',
  ProxiesRefusing: 'Namespace',
  ProxiesBehind: 'Namespace',
  ProxiesOffline: 'Namespace',
  ReplicaGone: 'Mesh',
  DatabaseSlow: 'Mesh',
  TelemetryIncomplete: 'Mesh',
};

export interface AlertRule extends AlertTexts {
  readonly source: Source;
  readonly namespace: string;
  readonly name: string;
  /** What it looks at: its namespace, or the whole mesh. */
  readonly scope: 'Namespace' | 'Mesh';
  readonly enabled: boolean;
  readonly severity: AlertSeverity;
  readonly forMs: number;
  readonly keepFiringMs: number;
  readonly condition: SignalCondition | BuiltInCondition;
}

export type MatchOperator = '=' | '!=' | '=~' | '!~';

/** One condition on the labels of an alert. A label that is absent is the empty text. */
export interface AlertMatcher {
  readonly label: string;
  readonly operator: MatchOperator;
  /** For `=~` and `!~` a regular expression in RE2 syntax, for the whole value. */
  readonly value: string;
}

export type AlertChannel =
  | {
      /** Alertmanager's webhook, version 4. */
      readonly type: 'Webhook';
      /** '' = in the secret. */
      readonly url: string;
      /** Names of secrets; '' = none. */
      readonly urlSecret: string;
      readonly tokenSecret: string;
    }
  | { readonly type: 'Slack'; readonly url: string; readonly urlSecret: string; readonly channel: string }
  | {
      readonly type: 'Email';
      readonly to: readonly string[];
      readonly from: string;
      readonly host: string;
      readonly port: number;
      /** Implicit: TLS from the first byte. StartTls: refused unless the server offers it. */
      readonly tls: 'Implicit' | 'StartTls';
      /** '' = no login. */
      readonly username: string;
      readonly passwordSecret: string;
    };

export interface AlertReceiver {
  readonly source: Source;
  readonly namespace: string;
  readonly name: string;
  /** Whose alerts: those of its namespace, or of the whole mesh. */
  readonly scope: 'Namespace' | 'Mesh';
  /** All of them hold. */
  readonly matchers: readonly AlertMatcher[];
  readonly channel: AlertChannel;
  /** Alerts with equal values of these labels are one notification. */
  readonly groupBy: readonly string[];
  readonly groupWaitMs: number;
  readonly groupIntervalMs: number;
  /** 0 = never again. */
  readonly repeatIntervalMs: number;
  readonly sendResolved: boolean;
}
