/** What receivers of each sort read. */
import type { Notification, NotifiedAlert } from './notification.js';

const NEVER = '0001-01-01T00:00:00Z';

/**
 * The document of Alertmanager's webhook, version 4
 * (https://prometheus.io/docs/alerting/latest/configuration/#webhook_config).
 */
export function alertmanagerBody(notification: Notification): unknown {
  const { receiver, status, groupKey, groupLabels, commonLabels, externalUrl, alerts, truncated } = notification;
  const { summary: _, ...commonAnnotations } = commonOf(alerts);
  return {
    version: '4',
    groupKey,
    truncatedAlerts: truncated,
    status,
    receiver,
    groupLabels,
    commonLabels,
    commonAnnotations,
    externalURL: externalUrl,
    alerts: alerts.map((alert) => ({
      status: alert.status,
      labels: alert.labels,
      annotations: alert.annotations,
      startsAt: alert.startsAt,
      endsAt: alert.endsAt || NEVER,
      generatorURL: alert.link,
      fingerprint: alert.fingerprint,
    })),
  };
}

function commonOf([first, ...others]: readonly NotifiedAlert[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(first?.annotations ?? {}).filter(([name, text]) =>
      others.every(({ annotations }) => annotations[name] === text),
    ),
  );
}

const COLOURS: Readonly<Record<string, string>> = { critical: '#c62828', warning: '#ef6c00', info: '#1565c0' };
const GOOD = '#2e7d32';
/** Slack cuts what is longer, and shows at most so many. */
const SHOWN = 20;

/** Slack reads these three as markup (https://docs.slack.dev/messaging/formatting-message-text/#escaping). */
const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

/** An incoming webhook's message, with an attachment for each alert. */
export function slackBody(notification: Notification, channel: string): unknown {
  const { alerts, truncated } = notification;
  const more = alerts.length - SHOWN + truncated;
  return {
    ...(channel === '' ? {} : { channel }),
    text: escaped(titleOf(notification)),
    attachments: [
      ...alerts.slice(0, SHOWN).map(slackAttachment),
      ...(more > 0 ? [{ text: `and ${more} more`, fallback: `and ${more} more` }] : []),
    ],
  };
}

function slackAttachment({ status, labels, annotations, link, startsAt, endsAt }: NotifiedAlert): unknown {
  const { summary = '', description = '', runbook_url: runbook = '', ending = '' } = annotations;
  const name = labels['alertname'] ?? '';
  const text = [summary, description, ending, runbook === '' ? '' : `What to do: ${runbook}`].filter((line) => line);
  return {
    color: status === 'resolved' ? GOOD : (COLOURS[labels['severity'] ?? ''] ?? COLOURS['warning']),
    title: escaped(`${status === 'resolved' ? 'Resolved: ' : ''}${name}`),
    ...(link === '' ? {} : { title_link: link }),
    text: escaped(text.join('\n')),
    fallback: escaped(`${name}: ${summary}`),
    ts: Math.floor(Date.parse(endsAt || startsAt) / 1000),
  };
}

/** `[FIRING:2] refusals (shop)` */
export function titleOf({ status, commonLabels, groupLabels, alerts, truncated }: Notification): string {
  const firing = alerts.filter((alert) => alert.status === 'firing').length + truncated;
  const state = status === 'firing' ? `FIRING:${firing}` : 'RESOLVED';
  const name = commonLabels['alertname'] ?? groupLabels['alertname'] ?? `${alerts.length + truncated} alerts`;
  const where = [commonLabels['namespace'] ?? '', commonLabels['mesh'] ?? ''].filter((part) => part).join(', ');
  return `[${state}] ${name}${where === '' ? '' : ` (${where})`}`;
}

/** A mail as plain text: nothing in it can be markup. */
export function mailText(notification: Notification): string {
  const { alerts, truncated, externalUrl, receiver } = notification;
  const parts = alerts.map(mailPart);
  const more = truncated > 0 ? [`and ${truncated} more`] : [];
  const foot = `You get this as ${receiver}${externalUrl === '' ? '' : ` from ${externalUrl}`}.`;
  return [...parts, ...more, `-- \n${foot}`].join('\n\n');
}

function mailPart({ status, labels, annotations, startsAt, endsAt, link }: NotifiedAlert): string {
  const { summary = '', description = '', runbook_url: runbook = '', ending = '' } = annotations;
  const shown = Object.entries(labels).filter(([label]) => label !== 'alertname');
  const head = `${status === 'resolved' ? 'RESOLVED' : (labels['severity'] ?? 'firing').toUpperCase()}: ${labels['alertname'] ?? ''}`;
  const when =
    endsAt === '' ? `since ${startsAt}` : `from ${startsAt} to ${endsAt}${ending === '' ? '' : ` (${ending})`}`;
  return [
    head,
    summary,
    ...(description === '' ? [] : [description]),
    when,
    shown.map(([label, value]) => `${label}=${value}`).join(', '),
    ...(runbook === '' ? [] : [`what to do: ${runbook}`]),
    ...(link === '' ? [] : [link]),
  ].join('\n');
}
