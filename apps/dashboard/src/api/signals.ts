/** Types of what is told of traffic and alerts: those of the libraries, so that the two cannot differ. */
export type {
  AlertView,
  BurnStatus,
  ObjectiveView,
  PastAlert as AlertEvent,
  SilenceView as Silence,
} from '#libs/alerts';
export type { HappeningView as Happening } from '#libs/api/views';
export type { Fact, PatternName, PatternView, Scope, Suspect } from '#libs/patterns';
export type {
  EdgeDetail as SignalsOfEdge,
  EdgeSignals,
  FailurePage,
  FailureView,
  GoldenSignals,
  InstanceSignals,
  Listed,
  MapEdge,
  Outcome,
  RouteSignals,
  ServiceDetail as SignalsOfService,
  ServiceMap,
  ServiceSignals,
  SignalChart,
} from '#libs/telemetry';
