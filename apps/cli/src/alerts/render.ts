import type { AlertView, ObjectiveView, PastAlert, ReceiverItem, RuleStatus, SilenceView } from '#libs/alerts';
import type { ListView } from '#libs/api';
import { table } from '../output.js';

const hiddenLine = ({ hidden }: { readonly hidden: number }): readonly string[] =>
  hidden > 0 ? [`and ${hidden} more that you may not see`] : [];

const home = (namespace: string): string => namespace || '(mesh)';

const stateOf = ({ state, silence, unknownSeconds }: AlertView): string => {
  const notes = [...(silence === null ? [] : [`silence ${silence}`]), ...(unknownSeconds > 0 ? ['not known now'] : [])];
  return notes.length === 0 ? state : `${state} (${notes.join(', ')})`;
};

export function renderAlerts(answer: ListView<AlertView>): string {
  if (answer.items.length + answer.hidden === 0)
    return [
      'nothing fires',
      'heddle alerts rules shows what is watched; heddle alerts receivers who would be told',
      'write an AlertRule or a ServiceLevelObjective to watch more: docs/alerts.md has examples',
    ].join('\n');
  const rows = answer.items.map((alert) => [
    stateOf(alert),
    alert.severity,
    `${home(alert.namespace)}/${alert.name}`,
    alert.startsAt ?? alert.since,
    [alert.summary, alert.ending, alert.runbook].filter((text) => text).join('\n'),
  ]);
  return [table(['state', 'severity', 'alert', 'since', 'what'], rows), ...hiddenLine(answer)].join('\n\n');
}

export function renderHistory(answer: ListView<PastAlert>): string {
  if (answer.items.length + answer.hidden === 0) return 'no alert has begun or ended within the last 90 days';
  const rows = answer.items.map((alert) => [
    alert.at,
    alert.state,
    `${home(alert.namespace)}/${alert.name}`,
    [alert.summary, alert.ending].filter((text) => text).join('\n'),
  ]);
  return [table(['at', 'became', 'alert', 'what'], rows), ...hiddenLine(answer)].join('\n\n');
}

export function renderRules(answer: ListView<RuleStatus>): string {
  const rows = answer.items.map(({ namespace, name, condition, severity, state, why, holding }) => [
    namespace === '' ? name : `${namespace}/${name}`,
    condition,
    severity,
    holding.length > 0 ? 'holds' : state,
    [...holding, why].filter((text) => text).join('\n'),
  ]);
  return [table(['rule', 'about', 'severity', 'now', 'what'], rows), ...hiddenLine(answer)].join('\n\n');
}

const share = (value: number | null, digits: number): string =>
  value === null ? 'not known' : `${Number((value * 100).toFixed(digits))} %`;

export function renderObjectives(answer: ListView<ObjectiveView>): string {
  if (answer.items.length + answer.hidden === 0)
    return [
      'no objective is written',
      'this says that 99.9 % of the requests to orders have to succeed, and alerts when the error budget goes too fast:',
      '',
      '  apiVersion: heddle.dev/v1alpha1',
      '  kind: ServiceLevelObjective',
      '  metadata: { name: orders-available, namespace: shop }',
      '  spec: { targetRef: { kind: Service, name: orders }, objective: 99.9, availability: {} }',
    ].join('\n');
  const rows = answer.items.map((one) => [
    `${one.namespace}/${one.name}`,
    `${one.target.kind} ${one.target.name}`,
    `${share(one.objective, 4)} ${one.indicator} in ${one.periodDays}d`,
    share(one.current, 4),
    share(one.budgetLeft, 1),
    one.burnRate === null ? 'not known' : String(Number(one.burnRate.toFixed(2))),
    one.why,
  ]);
  const head = ['objective', 'of', 'wanted', 'is', 'budget left', 'burn rate', 'note'];
  return [table(head, rows), ...hiddenLine(answer)].join('\n\n');
}

export function renderReceivers(answer: ListView<ReceiverItem>): string {
  if (answer.items.length + answer.hidden === 0)
    return [
      'nobody is told of alerts: write an AlertReceiver, for example',
      '',
      '  apiVersion: heddle.dev/v1alpha1',
      '  kind: AlertReceiver',
      '  metadata: { name: oncall, namespace: shop }',
      '  spec: { webhook: { url: "https://alerts.example.com/hook", tokenSecret: oncall } }',
    ].join('\n');
  const rows = answer.items.map((one) => [
    `${one.namespace}/${one.name}`,
    one.scope,
    `${one.type} ${one.to}`,
    one.sentAt ?? 'never',
    one.queued > 0 ? `${one.queued} (${one.attempts} attempts)` : '0',
    one.error,
  ]);
  return [table(['receiver', 'of', 'by', 'last told', 'waiting', 'why'], rows), ...hiddenLine(answer)].join('\n\n');
}

export function renderSilences(answer: ListView<SilenceView>): string {
  if (answer.items.length + answer.hidden === 0)
    return 'no alert is silenced: heddle alerts silence NAME --for 2h --reason WHY';
  const rows = answer.items.map(({ id, namespace, matchers, author, reason, endsAt, active, endedBy }) => [
    String(id),
    home(namespace),
    matchers.join(', ') || '(everything)',
    active ? endsAt : `ended ${endsAt}${endedBy === '' ? '' : ` by ${endedBy}`}`,
    author,
    reason,
  ]);
  return [table(['id', 'of', 'alerts', 'until', 'by', 'why'], rows), ...hiddenLine(answer)].join('\n\n');
}
