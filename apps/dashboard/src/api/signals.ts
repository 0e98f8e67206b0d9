/** Types of what is told of traffic and alerts: those of the libraries, so that the two cannot differ. */
import type { Happening as Stored } from '#libs/store';

export type {
  AlertView,
  BurnStatus,
  ObjectiveView,
  PastAlert as AlertEvent,
  SilenceView as Silence,
} from '#libs/alerts';
export type { Fact, Pattern, PatternName, PatternView, Scope, Suspect } from '#libs/patterns';
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

export interface Happening extends Omit<Stored, 'at'> {
  /** RFC 3339. */
  readonly at: string;
}
