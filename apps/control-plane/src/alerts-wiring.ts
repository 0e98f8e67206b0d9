import { readFile } from 'node:fs/promises';
import { rootCertificates } from 'node:tls';
import {
  type AlertingOptions,
  type AlertQuestions,
  type ObjectiveView,
  type ProxyWatch,
  type ReceiverView,
  type RuleStatus,
  type Signals,
  silencedBy,
  startAlerts,
} from '#libs/alerts';
import type { AlertsPort } from '#libs/api';
import type { AlertReceiver } from '#libs/model';
import type { Config } from './config.schema.js';
import { EXIT, StartError } from './start-error.js';

export interface AlertsParts
  extends Pick<AlertingOptions, 'store' | 'registry' | 'replica' | 'clock' | 'log' | 'metrics' | 'tracer'> {
  readonly config: Config;
  readonly watch: ProxyWatch;
  /** Where the traffic is known; undefined: rules over the traffic say that no source is connected. */
  readonly signals?: Signals | undefined;
}

export interface WiredAlerts {
  readonly port: AlertsPort;
  stop(): Promise<void>;
}

/** Starts to look at alerts. @throws StartError when the file of further certificates cannot be read */
export async function wireAlerts({ config, signals, ...parts }: AlertsParts): Promise<WiredAlerts> {
  const { everySeconds, externalUrl = '', secretsDir = '', allowedHosts, caFile } = config.alerts;
  const ca = caFile === undefined ? undefined : [...rootCertificates, await certificates(caFile)];
  const alerts = startAlerts({
    ...parts,
    ...{ signals, everySeconds, secretsDir, allowedHosts, ca, externalUrl: externalUrl.replace(/\/$/, '') },
  });
  return { port: portOf(alerts.questions), stop: () => alerts.stop() };
}

async function certificates(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw new StartError(EXIT.configuration, `alerts.caFile ${file} cannot be read`, { cause });
  }
}

const portOf = (questions: AlertQuestions): AlertsPort => ({
  rules: async (mesh) => (await questions.rules(mesh)).map(ruleStatus),
  objectives: async (mesh) => (await questions.objectives(mesh)).map(objectiveView),
  receivers: async (mesh) => (await questions.receivers(mesh)).map(receiverView),
  test: (mesh, namespace, name) => questions.test(mesh, namespace, name),
  prometheusRules: (mesh) => questions.prometheusRules(mesh),
  silencedBy,
});

type Rule = Awaited<ReturnType<AlertQuestions['rules']>>[number];

const ruleStatus = ({ rule, state, why, samples, watched }: Rule): RuleStatus => ({
  ...{ kind: rule.kind, namespace: rule.namespace, name: rule.name, state, why },
  ...{ condition: watched.condition.type, scope: watched.scope, severity: watched.severity },
  holding: samples.filter(({ verdict }) => verdict === 'holds').map(({ sentence }) => sentence),
});

const orNull = (value: number | undefined): number | null =>
  value === undefined || !Number.isFinite(value) ? null : value;

function objectiveView({
  objective,
  status,
  why,
}: Awaited<ReturnType<AlertQuestions['objectives']>>[number]): ObjectiveView {
  const { namespace, name, target, indicator, periodMs } = objective;
  return {
    ...{ namespace, name, target, why, objective: objective.objective },
    indicator: indicator.type === 'Latency' ? `answered within ${indicator.thresholdMs} ms` : 'did not fail',
    current: orNull(status?.current),
    requests: status?.requests ?? 0,
    periodDays: periodMs / 86_400_000,
    budgetLeft: orNull(status?.budgetLeft),
    burnRate: orNull(status?.burnRate),
    missing: status?.missing ?? 1,
    windows: (status?.windows ?? []).map(({ longMs, shortMs, burnRate, severity, longBurn, shortBurn }) => ({
      ...{ longSeconds: longMs / 1000, shortSeconds: shortMs / 1000, limit: burnRate, severity },
      ...{ long: orNull(longBurn), short: orNull(shortBurn) },
    })),
  };
}

const receiverView = ({ namespace, name, scope, channel }: AlertReceiver): ReceiverView => ({
  ...{ namespace, name, scope, type: channel.type, to: toOf(channel) },
});

/** A path may hold a secret: only the host is shown. */
function toOf(channel: AlertReceiver['channel']): string {
  if (channel.type === 'Email') return channel.to.join(', ');
  return channel.url === '' ? `secret ${channel.urlSecret}` : new URL(channel.url).host;
}
