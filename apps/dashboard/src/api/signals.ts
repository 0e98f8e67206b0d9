/** Types of what is told of traffic and alerts: of the libraries, and, of what only the server has, kept by hand. */
import type { Pattern, PatternName } from '#libs/patterns';

export type { Fact, Pattern, PatternName, Scope, Suspect } from '#libs/patterns';
export type {
  ChartPoint,
  EdgeDetail as SignalsOfEdge,
  EdgeSignals,
  FailurePage,
  FailureView,
  GoldenSignals,
  InstanceSignals,
  Listed,
  MapEdge,
  MapNode,
  Outcome,
  RouteSignals,
  ServiceDetail as SignalsOfService,
  ServiceMap,
  ServiceSignals,
  SignalChart,
} from '#libs/telemetry';

export interface PatternView extends Pattern {
  readonly id: string;
  readonly state: 'active' | 'over';
  /** RFC 3339. */
  readonly begun: string;
  readonly ended?: string;
  readonly formerNames: readonly PatternName[];
  readonly hiddenSuspects: number;
}

export interface Happening {
  /** RFC 3339. */
  readonly at: string;
  readonly kind: 'change' | 'refusal' | 'rotation' | 'instance_joined' | 'instance_left' | 'instance_unready';
  readonly id: string;
  readonly title: string;
  /** Empty = the whole mesh. */
  readonly touches: readonly string[];
  readonly reversible: boolean;
}

export interface AlertView {
  readonly fingerprint: string;
  readonly state: 'pending' | 'firing' | 'resolved' | 'dropped';
  readonly name: string;
  readonly severity: string;
  /** '' = of the mesh as a whole. */
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly rule: { readonly kind: string; readonly namespace: string; readonly name: string };
  /** RFC 3339; null = not yet. */
  readonly since: string;
  readonly startsAt: string | null;
  readonly endsAt: string | null;
  /** null = not known. */
  readonly value: number | null;
  readonly threshold: number;
  readonly unit: string;
  readonly summary: string;
  readonly description: string;
  readonly runbook: string;
  readonly ending: string;
  readonly unknownSeconds: number;
  /** Id of the silence that it is under. */
  readonly silence: number | null;
}

/** An alert when it began, or ended. */
export type AlertEvent = AlertView & { readonly at: string };

export interface Silence {
  readonly id: number;
  /** '' = of the whole mesh. */
  readonly namespace: string;
  readonly matchers: readonly string[];
  readonly reason: string;
  readonly author: string;
  readonly startsAt: string;
  readonly endsAt: string;
  readonly endedBy: string;
  readonly active: boolean;
}

export interface BurnStatus {
  readonly longSeconds: number;
  readonly shortSeconds: number;
  readonly limit: number;
  readonly severity: string;
  readonly long: number | null;
  readonly short: number | null;
}

/** How an objective stands; null = nothing is known. */
export interface ObjectiveView {
  readonly namespace: string;
  readonly name: string;
  readonly target: { readonly kind: string; readonly name: string };
  readonly indicator: string;
  /** 0 to 1. */
  readonly objective: number;
  readonly current: number | null;
  readonly requests: number;
  readonly periodDays: number;
  /** Share of the error budget; below 0 = it is broken. */
  readonly budgetLeft: number | null;
  readonly burnRate: number | null;
  readonly missing: number;
  readonly windows: readonly BurnStatus[];
  readonly why: string;
}
