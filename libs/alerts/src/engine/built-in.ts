import type { AlertRule, AlertSeverity, BuiltInCondition } from '#libs/model';

const MINUTE_MS = 60_000;

interface BuiltIn {
  readonly condition: BuiltInCondition;
  readonly severity: AlertSeverity;
  readonly forMs: number;
  readonly description: string;
}

const BUILT_IN: readonly BuiltIn[] = [
  {
    condition: { type: 'ProxiesRefusing', moreThan: 0 },
    severity: 'critical',
    forMs: 0,
    description:
      'They keep what they had. The change that they refuse is in force for all others: heddle status shows it, heddle rollback takes it back.',
  },
  {
    condition: { type: 'CertificateExpiry', remainingPercent: 25 },
    severity: 'critical',
    forMs: MINUTE_MS,
    description:
      'When they end, nobody takes calls from these proxies any more. Proxies renew by themselves: look whether they are connected and whether issuing is paused.',
  },
  {
    condition: { type: 'AuthorityExpiry', withinMs: 30 * 86_400_000 },
    severity: 'critical',
    forMs: 0,
    description:
      'Authorities are rotated when a third of their life is over: that this one is so old says that it did not happen.',
  },
  {
    condition: { type: 'ProxiesBehind', moreThan: 0, longerThanMs: MINUTE_MS },
    severity: 'warning',
    forMs: 0,
    description: 'They run with an earlier configuration: heddle status shows since when.',
  },
  {
    condition: { type: 'ProxiesOffline', moreThan: 0, longerThanMs: MINUTE_MS },
    severity: 'warning',
    forMs: 0,
    description:
      'They go on with what they have, and are sent no change. One that stops for good should say so: heddle proxy run does.',
  },
  {
    condition: { type: 'ReplicaGone', longerThanMs: 30_000 },
    severity: 'warning',
    forMs: 0,
    description: 'Its proxies go to the other replicas. It is forgotten after a day.',
  },
  {
    condition: { type: 'DatabaseSlow', slowerThanMs: 500 },
    severity: 'warning',
    forMs: MINUTE_MS,
    description: 'Proxies keep what they have; writes and their delivery wait for Postgres.',
  },
  {
    condition: { type: 'TelemetryIncomplete', missingPercent: 10, windowMs: 5 * MINUTE_MS },
    severity: 'warning',
    forMs: 2 * MINUTE_MS,
    description:
      'Alerts over the traffic neither begin nor end while it is not known whether they would. Collectors that are overloaded drop telemetry first.',
  },
];

/** Names its rule: `builtin:ProxiesRefusing`. A manifest cannot have such a name. */
const builtInRule = ({ condition, severity, forMs, description }: BuiltIn): AlertRule => ({
  source: { kind: 'AlertRule', namespace: '', name: `builtin:${condition.type}`, revision: 0, createdRevision: 0 },
  namespace: '',
  name: condition.type,
  scope: 'Mesh',
  enabled: true,
  severity,
  forMs,
  keepFiringMs: 0,
  condition,
  labels: {},
  description,
  runbook: '',
});

/** Rules that every mesh has, but for those whose condition has a rule of scope Mesh: that one counts, whatever it says. */
export function builtInRules(written: readonly AlertRule[]): readonly AlertRule[] {
  const replaced = new Set(written.filter(({ scope }) => scope === 'Mesh').map(({ condition }) => condition.type));
  return BUILT_IN.filter(({ condition }) => !replaced.has(condition.type)).map(builtInRule);
}
