/** What the kinds of alerting share. */
import { z } from 'zod';
import { isDnsLabel } from '#libs/kernel';
import { isAlertLabel, parseMatcher } from '../../alert-matchers.js';
import { ALERT_SEVERITIES, type AlertTexts } from '../../alerting.js';
import { FAILURE_OUTCOMES } from '../../outcome.js';
import {
  controlProblem,
  dnsLabel,
  dnsSubdomain,
  portNumber,
  refuseDuplicates,
  report,
  strict,
  text,
} from '../../schema-parts.js';

/** Labels by which Heddle itself tells alerts apart. */
export const OWN_LABELS: readonly string[] = [
  'alertname',
  'mesh',
  'namespace',
  'severity',
  'rule',
  'slo',
  'service',
  'route',
  'caller',
  'instance',
  'workload',
];

export const severity = () => z.enum(ALERT_SEVERITIES);

/** A label of alerts by name. */
export const alertLabel = () =>
  text('invalid-label', (value) =>
    isAlertLabel(value) ? undefined : 'must be a label of alerts: at most 63 letters, digits and "_", no digit first',
  );

const alertLabels = () =>
  z.record(z.string(), text('invalid-label', controlProblem).max(256)).superRefine((labels, sink) => {
    const names = Object.keys(labels);
    if (names.length > 16) report(sink, 'too-many', 'must have at most 16 entries');
    for (const name of names) {
      if (!isAlertLabel(name))
        report(sink, 'invalid-label', 'is not a label of alerts: at most 63 letters, digits and "_", no digit first', [
          name,
        ]);
      else if (OWN_LABELS.includes(name)) report(sink, 'conflict', 'is a label that Heddle sets itself', [name]);
    }
  });

const webAddress = (value: string): string | undefined => {
  const url = value.length <= 2048 && URL.canParse(value) ? new URL(value) : undefined;
  if (!url || !/^https?:$/.test(url.protocol)) return 'must be a URL that begins with https:// or http://';
  if (url.username !== '' || url.password !== '')
    return 'must not hold a name or password: put them into a secret and name that';
  return undefined;
};

/** A URL of http or https, without credentials. */
export const webUrl = () => text('invalid-value', webAddress);

/** Name of a secret of the control plane. */
export const secretName = () => dnsLabel();

/** Texts of a rule for people. */
export const alertTexts = {
  labels: alertLabels()
    .default({})
    .describe(
      'Further labels of its alerts, by which receivers choose, such as `team`; at most 16. Those that Heddle sets itself cannot be written. Default: none.',
    ),
  description: text('invalid-value', (value) => controlProblem(value.replaceAll('\n', ' ')))
    .max(2000)
    .default('')
    .describe('What it means for users, for who is told: at most 2000 characters. Default: empty.'),
  runbook: webUrl().optional().describe('Where it is written what to do: a URL. Default: none.'),
};

export const toTexts = (spec: {
  readonly labels: Readonly<Record<string, string>>;
  readonly description: string;
  readonly runbook?: string | undefined;
}): AlertTexts => ({ labels: spec.labels, description: spec.description, runbook: spec.runbook ?? '' });

/** Classes of failures that are left out. */
export const ignoredOutcomes = () =>
  z
    .array(z.enum(FAILURE_OUTCOMES))
    .max(FAILURE_OUTCOMES.length - 1)
    .default(['throttled', 'rate_limited', 'denied'])
    .superRefine((list, sink) => refuseDuplicates(sink, list, 'the outcome'));

export const matchers = () =>
  z
    .array(
      text('invalid-value', (value) => {
        const parsed = parseMatcher(value);
        return parsed.ok ? undefined : parsed.error;
      }),
    )
    .max(16)
    .default([]);

/** `<name>` or `<namespace>/<name>` */
export const placedName = () =>
  text('invalid-name', (value) => {
    const parts = value.split('/');
    return parts.length <= 2 && parts.every(isDnsLabel)
      ? undefined
      : 'must be "<name>" of the own namespace or "<namespace>/<name>"';
  });

export const routeReference = () =>
  strict({
    kind: z.enum(['HTTPRoute', 'GRPCRoute']).describe('HTTPRoute or GRPCRoute.'),
    name: dnsSubdomain().describe('Name of the route, of the own namespace.'),
    rule: dnsSubdomain()
      .optional()
      .describe('Name of one of its rules, or its index from 0 where it has no name. Default: the whole route.'),
  });

export const portOfService = () =>
  portNumber().optional().describe('Port of the service as its callers write it, 1 to 65535. Default: all of them.');

/** A name with its namespace. */
export function placed(name: string, namespace: string): readonly [namespace: string, name: string] {
  const [first = '', second] = name.split('/');
  return second === undefined ? [namespace, first] : [first, second];
}
