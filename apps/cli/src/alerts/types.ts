export type { AlertView, ObjectiveView, PastAlert, ReceiverItem, RuleStatus, SilenceView } from '#libs/alerts';

/** A list that REST answers with. */
export interface Listed<T> {
  readonly items: readonly T[];
  readonly hidden: number;
  readonly cursor?: string;
}
