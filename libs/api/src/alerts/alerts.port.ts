import type { ObjectiveView, ReceiverTest, ReceiverView, RuleStatus } from '#libs/alerts';
import type { SilenceRow } from '#libs/store';

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
