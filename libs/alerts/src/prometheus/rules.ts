import { stringify } from 'yaml';
import type { AlertRule, AlertSeverity, BurnWindow, ServiceLevelObjective } from '#libs/model';
import { builtInRules } from '../engine/built-in.js';
import { type ConditionRule, isConditionRule } from '../engine/conditions.js';
import { ruleLabels, trafficLabels, trafficWords } from '../engine/sample.js';
import { isSignalRule } from '../engine/signal.js';
import { duration, number } from '../engine/words.js';
import { badShare, bucketOf, promDuration, requestsIn, signalExpression, untold } from './expressions.js';

type Texts = Readonly<Record<string, string>>;

interface PrometheusRule {
  readonly record?: string;
  readonly alert?: string;
  readonly expr: string;
  readonly for?: string;
  readonly keep_firing_for?: string;
  readonly labels: Texts;
  readonly annotations?: Texts;
}

interface Group {
  readonly name: string;
  readonly rules: readonly PrometheusRule[];
}

export interface WatchedRules {
  readonly mesh: string;
  readonly objectives: readonly ServiceLevelObjective[];
  readonly rules: readonly AlertRule[];
}

const HEAD = `Rules for Prometheus 2.42 or newer, made by Heddle from the objectives and alert rules of mesh MESH.

They read what sidecars expose at /stats/prometheus and control planes at /metrics; control planes are taken to be scraped
as job "heddle". What Prometheus sees is coarser than what Heddle sees: a failure is an answer 5xx, Envoy's own included, whatever
an objective leaves out; times are those of Envoy's buckets; a Prometheus that scrapes several meshes takes them together.`;

/** A rules file, as YAML. What Prometheus cannot tell is left out, and named at its beginning. */
export function prometheusRules({ mesh, objectives, rules }: WatchedRules): string {
  const leftOut: string[] = [];
  const groups: Group[] = [];
  const leave = (
    kind: string,
    { namespace, name }: { readonly namespace: string; readonly name: string },
    why: string,
  ) => void leftOut.push(`left out: ${kind} ${namespace === '' ? '' : `${namespace}/`}${name}: ${why}`);
  for (const slo of objectives) {
    const why = untold(slo.traffic) ?? (slo.windows.length === 0 ? 'it has no alerts' : undefined);
    if (why === undefined) groups.push(objectiveGroup(slo, mesh));
    else leave('ServiceLevelObjective', slo, why);
  }
  for (const rule of [...rules, ...builtInRules(rules)]) {
    const made = rule.enabled ? ruleGroup(rule, mesh) : 'it is switched off';
    if (typeof made === 'string') leave('AlertRule', rule, made);
    else groups.push(made);
  }
  groups.push(controlPlaneGroup(mesh));
  const comment = [HEAD.replace('MESH', mesh), ...(leftOut.length > 0 ? ['', ...leftOut] : [])].join('\n');
  const head = comment
    .split('\n')
    .map((line) => `#${line === '' ? '' : ` ${line}`}`)
    .join('\n');
  return `${head}\n${stringify({ groups }, { lineWidth: 0, aliasDuplicateObjects: false })}`;
}

const recordOf = (windowMs: number): string => `heddle_slo:bad_share:ratio_rate${promDuration(windowMs)}`;

function objectiveGroup(slo: ServiceLevelObjective, mesh: string): Group {
  const id: Texts = { mesh, namespace: slo.namespace, slo: slo.name };
  const windows = [...new Set(slo.windows.flatMap(({ longMs, shortMs }) => [longMs, shortMs]))].sort((a, b) => a - b);
  const severities = [...new Set(slo.windows.map(({ severity }) => severity))];
  return {
    name: `heddle/${mesh}/${slo.namespace}/${slo.name}`,
    rules: [
      ...windows.map((windowMs) => ({
        record: recordOf(windowMs),
        expr: badShare(slo.traffic, slo.indicator, windowMs),
        labels: id,
      })),
      ...severities.map((severity) => burnAlert(slo, { severity, mesh, id })),
    ],
  };
}

/** As Heddle does: one alert for each severity, when any of its pairs of windows burns too fast. */
function burnAlert(
  slo: ServiceLevelObjective,
  { severity, mesh, id }: { readonly severity: AlertSeverity; readonly mesh: string; readonly id: Texts },
): PrometheusRule {
  const windows = slo.windows.filter((window) => window.severity === severity);
  const rates = windows.map(({ burnRate, longMs }) => `${number(burnRate)} times too fast in ${duration(longMs)}`);
  const budget = number((1 - slo.objective) * 100);
  return {
    alert: slo.name,
    expr: windows.map((window) => pairExpression(slo, window, id)).join(' or '),
    keep_firing_for: promDuration(slo.keepFiringMs),
    labels: withoutName({
      ...{ ...ruleLabels(mesh, slo, severity), slo: slo.name },
      ...{ ...trafficLabels(slo.traffic), namespace: slo.namespace },
    }),
    annotations: annotations(
      slo,
      `${trafficWords(slo.traffic)}: the error budget of ${budget} % is used up more than ${rates.join(', or ')}.${bucketNote(slo)}`,
    ),
  };
}

function pairExpression(slo: ServiceLevelObjective, { burnRate, longMs, shortMs }: BurnWindow, id: Texts): string {
  const selector = Object.entries(id).map(([label, value]) => `${label}="${value}"`);
  const limit = Number((burnRate * (1 - slo.objective)).toPrecision(6));
  const over = (windowMs: number): string => `${recordOf(windowMs)}{${selector.join(',')}} > ${limit}`;
  const enough =
    slo.minimumRequests > 0 ? ` and on () ${requestsIn(slo.traffic, longMs)} >= ${slo.minimumRequests}` : '';
  return `(${over(longMs)} and ${over(shortMs)}${enough})`;
}

function bucketNote({ indicator }: ServiceLevelObjective): string {
  if (indicator.type !== 'Latency' || bucketOf(indicator.thresholdMs) === indicator.thresholdMs) return '';
  return ` Judged by Envoy's bucket of ${duration(bucketOf(indicator.thresholdMs))}.`;
}

/** Prometheus sets this one itself. */
const withoutName = ({ alertname: _, ...labels }: Texts): Texts => labels;

const annotations = (
  { description, runbook }: { readonly description: string; readonly runbook: string },
  summary: string,
): Texts => ({
  // Prometheus reads these as templates.
  summary: plain(summary),
  ...(description === '' ? {} : { description: plain(description) }),
  ...(runbook === '' ? {} : { runbook_url: runbook }),
});

const plain = (text: string): string => text.replaceAll('{{', '{ {');

/** @returns why there is none */
function ruleGroup(rule: AlertRule, mesh: string): Group | string {
  const made = isSignalRule(rule) ? signalAlert(rule) : isConditionRule(rule) ? conditionAlert(rule, mesh) : undefined;
  if (made === undefined) return 'Prometheus cannot tell it';
  if (typeof made === 'string') return made;
  return {
    name: `heddle/${mesh}/${rule.namespace === '' ? 'built-in' : rule.namespace}/${rule.name}`,
    rules: [
      {
        alert: rule.name,
        expr: made.expr,
        for: promDuration(rule.forMs + (made.laterMs ?? 0)),
        keep_firing_for: promDuration(rule.keepFiringMs),
        labels: withoutName({ ...ruleLabels(mesh, rule, rule.severity), ...made.labels }),
        annotations: annotations(rule, made.summary),
      },
    ],
  };
}

interface Made {
  readonly expr: string;
  readonly labels: Texts;
  readonly summary: string;
  /** How long the expression has to hold before the condition does, beside the rule's own time. Default: it is the condition. */
  readonly laterMs?: number;
}

function signalAlert({ condition }: AlertRule): Made | string {
  if (condition.type !== 'Signal') return 'it is not about the traffic';
  const why = untold(condition.traffic);
  if (why !== undefined) return why;
  if (condition.by !== 'None' && condition.by !== 'Service')
    return `Envoy counts nothing by ${condition.by.toLowerCase()}`;
  const { aggregate, comparison, threshold, traffic, windowMs } = condition;
  const words = `${aggregate} is ${comparison === 'Above' ? 'above' : 'below'} ${number(threshold)} in ${duration(windowMs)}`;
  return {
    expr: signalExpression(condition),
    labels: trafficLabels(traffic),
    summary: `${trafficWords(traffic)}: ${words}`,
  };
}

/** A count begins with the first refusal, and an increase is known from the second sample on only. */
const REFUSALS = 'sum(increase(xds_nacks_total[5m])) > 0 or sum(xds_nacks_total unless xds_nacks_total offset 5m) > 0';

/** What control planes expose of themselves is about all namespaces, and but for authorities about all meshes. */
function conditionAlert({ condition, scope }: ConditionRule, mesh: string): Made | string {
  switch (condition.type) {
    case 'ProxiesRefusing':
      if (scope === 'Namespace') return 'no metric tells in which namespace proxies refuse configuration';
      if (condition.moreThan > 0) return 'no metric tells how many proxies refuse configuration';
      return { expr: REFUSALS, labels: {}, summary: 'Proxies have refused configuration in the last 5 minutes.' };
    case 'AuthorityExpiry':
      return {
        expr: `min(heddle_authority_end_timestamp_seconds{mesh=~"|${mesh}"}) - time() < ${condition.withinMs / 1000}`,
        labels: {},
        summary: `An authority, or the key that signs proxy tokens, ends within ${duration(condition.withinMs)}: it was not rotated.`,
      };
    case 'ReplicaGone':
      return {
        expr: 'up{job="heddle"} == 0 or absent(up{job="heddle"})',
        laterMs: condition.longerThanMs,
        labels: {},
        summary: `A control plane has not answered for ${duration(condition.longerThanMs)}.`,
      };
    case 'DatabaseSlow':
      return 'no metric tells how long Postgres takes; DatabaseAway is about one that does not answer';
    case 'CertificateExpiry':
    case 'ProxiesBehind':
    case 'ProxiesOffline':
    case 'TelemetryIncomplete':
      return 'no metric tells it';
  }
}

/** What no rule of Heddle can tell, since it rests while Postgres is away. */
const controlPlaneGroup = (mesh: string): Group => ({
  name: `heddle/${mesh}/control-plane`,
  rules: [
    {
      alert: 'DatabaseAway',
      expr: 'min(heddle_feed_connected) == 0 or sum(increase(heddle_store_unavailable_total[5m])) > 0',
      for: '1m',
      labels: { mesh, severity: 'warning' },
      annotations: {
        summary: 'Postgres does not answer the control plane, or not in time.',
        description: 'Proxies keep what they have; writes, their delivery and the alerts of Heddle wait for Postgres.',
      },
    },
  ],
});
