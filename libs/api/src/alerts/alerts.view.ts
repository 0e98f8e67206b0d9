import type { AlertView } from '#libs/alerts';
import type { AlertRow, SilenceRow } from '#libs/store';
import type { Seen } from '../access/access-control.js';

const time = (ms: number): string | null => (ms > 0 ? new Date(ms).toISOString() : null);

export function viewOfAlert(alert: AlertRow, silence: SilenceRow | undefined): AlertView {
  const { mesh, fingerprint, labels, rule } = alert;
  const base = `/api/v1/meshes/${mesh}`;
  return {
    ...{ fingerprint, state: alert.state, labels, rule },
    name: labels['alertname'] ?? '',
    severity: labels['severity'] ?? '',
    namespace: labels['namespace'] ?? '',
    since: new Date(alert.pendingAt).toISOString(),
    startsAt: time(alert.firingAt),
    endsAt: time(alert.resolvedAt),
    value: alert.value ?? null,
    ...{ threshold: alert.threshold, unit: alert.unit, summary: alert.sentence, description: alert.description },
    ...{ runbook: alert.runbook, ending: alert.ending, unknownSeconds: Math.round(alert.unknownMs / 1000) },
    silence: silence?.id ?? null,
    links: {
      history: `${base}/alerts/history?fingerprint=${fingerprint}`,
      ...(rule.namespace === ''
        ? {}
        : { rule: `${base}/namespaces/${rule.namespace}/${pluralOf(rule.kind)}/${rule.name}` }),
    },
  };
}

const pluralOf = (kind: string): string => (kind === 'ServiceLevelObjective' ? 'servicelevelobjectives' : 'alertrules');

/** What somebody has to be permitted to read. */
export const seenAlert = ({ labels }: Pick<AlertRow, 'labels'>): Seen => ({
  ...{ kind: 'Alert', namespace: labels['namespace'] ?? '', name: labels['alertname'] ?? '' },
});

export const seenSilence = ({ namespace, id }: Pick<SilenceRow, 'namespace' | 'id'>): Seen => ({
  ...{ kind: 'Silence', namespace, name: String(id) },
});
