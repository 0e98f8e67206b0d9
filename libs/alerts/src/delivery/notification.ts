import type { AlertRow } from '#libs/store';
import { quoted } from '../engine/words.js';
import type { DueNotification } from '../routing/dispatch.js';
import { receiverKey } from '../routing/dispatch.js';

type Texts = Readonly<Record<string, string>>;

export interface NotifiedAlert {
  readonly status: 'firing' | 'resolved';
  readonly labels: Texts;
  /** `summary`, `description`, `runbook_url`, `ending`. */
  readonly annotations: Texts;
  /** RFC 3339. */
  readonly startsAt: string;
  /** '' while it fires. */
  readonly endsAt: string;
  /** '' = no address of the control plane is known. */
  readonly link: string;
  readonly fingerprint: string;
}

/** What a receiver is told: the same for every sort of receiver, and what waits in the outbox. */
export interface Notification {
  /** `<namespace>/<name>` */
  readonly receiver: string;
  readonly status: 'firing' | 'resolved';
  readonly groupKey: string;
  readonly groupLabels: Texts;
  /** What all alerts have, those that are left out too. */
  readonly commonLabels: Texts;
  readonly externalUrl: string;
  /** Firing ones first, at most 100. */
  readonly alerts: readonly NotifiedAlert[];
  /** How many more there are. */
  readonly truncated: number;
}

const MOST = 100;

/** Where an alert is shown: of the control plane's pages. */
export const linkOf = (externalUrl: string, { mesh, fingerprint }: Pick<AlertRow, 'mesh' | 'fingerprint'>): string =>
  externalUrl === '' ? '' : `${externalUrl}/meshes/${mesh}/alerts/${fingerprint}`;

/** @param externalUrl where people reach the control plane, without a slash at its end; '' = not known */
export function notificationOf(
  { receiver, groupKey, groupLabels, alerts }: DueNotification,
  externalUrl: string,
): Notification {
  return {
    receiver: receiverKey(receiver),
    status: alerts.some(({ state }) => state === 'firing') ? 'firing' : 'resolved',
    groupKey,
    groupLabels,
    commonLabels: common(alerts.map(({ labels }) => labels)),
    externalUrl,
    alerts: alerts.slice(0, MOST).map((alert) => notified(alert, externalUrl)),
    truncated: Math.max(0, alerts.length - MOST),
  };
}

function notified(alert: AlertRow, externalUrl: string): NotifiedAlert {
  const { state, labels, sentence, description, runbook, ending, firingAt, resolvedAt, fingerprint } = alert;
  const texts = { summary: quoted(sentence), description, runbook_url: runbook, ending };
  return {
    status: state === 'firing' ? 'firing' : 'resolved',
    labels,
    annotations: Object.fromEntries(Object.entries(texts).filter(([, text]) => text !== '')),
    startsAt: new Date(firingAt).toISOString(),
    endsAt: state === 'resolved' ? new Date(resolvedAt).toISOString() : '',
    link: linkOf(externalUrl, alert),
    fingerprint,
  };
}

/** Labels that all of them have, with equal values. */
export function common([first, ...others]: readonly Texts[]): Texts {
  return Object.fromEntries(
    Object.entries(first ?? {}).filter(([label, value]) => others.every((labels) => labels[label] === value)),
  );
}

/** For trying out a receiver. */
export function testNotification(receiver: string, mesh: string, now: number): Notification {
  const labels = { alertname: 'Test', mesh, severity: 'info', receiver };
  const summary = `this is a test of the receiver ${receiver} of mesh ${mesh}: nothing is the matter`;
  const at = new Date(now).toISOString();
  return {
    ...{
      receiver,
      status: 'firing',
      groupKey: `test/${now}`,
      groupLabels: labels,
      commonLabels: labels,
      externalUrl: '',
    },
    alerts: [
      { status: 'firing', labels, annotations: { summary }, startsAt: at, endsAt: '', link: '', fingerprint: 'test' },
    ],
    truncated: 0,
  };
}
