import { join } from 'node:path';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import type { AlertRow } from '#libs/store';
import { goldenSuite } from '#libs/testing';
import { receiver } from '../testing/examples.js';
import { notificationOf } from './notification.js';
import { alertmanagerBody, mailText, slackBody, titleOf } from './shapes.js';

const NONE = { mesh: 'default', pendingAt: 0, resolvedAt: 0, description: '', runbook: '', ending: '' };
const mine = receiver('oncall', '{webhook: {url: "https://a.example.com"}}');

interface Case {
  readonly externalUrl: string;
  readonly groupLabels: Readonly<Record<string, string>>;
  readonly alerts: readonly AlertRow[];
}

const dueOf = ({ groupLabels, alerts }: Pick<Case, 'groupLabels' | 'alerts'>) => ({
  ...{ receiver: mine, groupKey: JSON.stringify(groupLabels), groupLabels },
  alerts: alerts.map((alert) => ({ ...NONE, ...alert })),
});

goldenSuite({
  title: 'what receivers read',
  directory: join(import.meta.dirname, '../../testdata/shapes'),
  layout: 'files',
  produce: (input) => {
    const given = parse(input) as Case;
    const notification = notificationOf(dueOf(given), given.externalUrl);
    return {
      alertmanager: alertmanagerBody(notification),
      slack: slackBody(notification, '#oncall'),
      mail: { subject: titleOf(notification), text: mailText(notification) },
    };
  },
});

it('a notification of many alerts is bounded, and says how many more there are', () => {
  const alert: AlertRow = {
    ...NONE,
    ...{ fingerprint: 'f', rule: { kind: 'AlertRule', namespace: '', name: 'a' }, labels: { alertname: 'a' } },
    ...{ state: 'firing', firingAt: 0, seenAt: 0, heldMs: 0, overMs: -1, unknownMs: 0 },
    ...{ threshold: 0, unit: '', sentence: 's' },
  };
  const notification = notificationOf(
    dueOf({ groupLabels: {}, alerts: Array.from({ length: 5_000 }, () => alert) }),
    '',
  );
  expect(alertmanagerBody(notification)).toMatchObject({ truncatedAlerts: 4_900 });
  expect(JSON.stringify(alertmanagerBody(notification)).length).toBeLessThan(100_000);
  expect(mailText(notification)).toContain('and 4900 more');
  expect(JSON.stringify(slackBody(notification, ''))).toContain('and 4980 more');
  expect(titleOf(notification)).toBe('[FIRING:5000] a');
});
