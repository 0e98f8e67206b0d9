import { z } from 'zod';
import {
  ALL_TRAFFIC,
  type AlertSeverity,
  type BurnWindow,
  type Indicator,
  type TrafficSelector,
} from '../../alerting.js';
import { defineKind, readBy } from '../../define-kind.js';
import { durationToMs, parseDuration } from '../../duration-text.js';
import { warning } from '../../issues.js';
import { dnsSubdomain, duration, type IssueSink, report, strict } from '../../schema-parts.js';
import { alertTexts, ignoredOutcomes, portOfService, severity, toTexts } from './parts.js';

const DAY_MS = 86_400_000;

const targetRef = strict({
  group: z
    .string()
    .max(253)
    .optional()
    .describe('Group of the target. Default: the one of its kind; "" also means Service.'),
  kind: z.enum(['Service', 'HTTPRoute', 'GRPCRoute']).describe('Service, HTTPRoute or GRPCRoute.'),
  name: dnsSubdomain().describe('Name of the target, which is of the own namespace.'),
  port: portOfService(),
  rule: dnsSubdomain()
    .optional()
    .describe('Of a route: name of one of its rules, or its index from 0 where it has no name. Default: all of it.'),
}).superRefine(({ group, kind, port, rule }, sink) => {
  const groups = kind === 'Service' ? ['', 'heddle.dev'] : ['gateway.networking.k8s.io'];
  if (group !== undefined && !groups.includes(group)) {
    const known = groups.map((one) => `"${one}"`).join(' or ');
    report(sink, 'invalid-target', `must be ${known} for kind ${kind}`, ['group']);
  }
  if (kind === 'Service' && rule !== undefined)
    report(sink, 'conflict', 'must be left out: a Service has no rules', ['rule']);
  if (kind !== 'Service' && port !== undefined)
    report(sink, 'conflict', 'must be left out: name a rule of the route instead', ['port']);
});

const burnAlert = strict({
  long: duration({ min: 300_000 }).describe('The window that says that it matters, at least "5m"; at most the period.'),
  short: duration({ min: 60_000 }).describe(
    'The window that says that it is still so, at least "1m", shorter than `long`; a twelfth of it is usual.',
  ),
  burnRate: z
    .number()
    .min(0.001)
    .max(100_000)
    .describe(
      'How many times faster than the period allows the error budget is used up in both windows. 1 = it lasts exactly as long as the period.',
    ),
  severity: severity().describe('critical, warning or info.'),
}).superRefine(({ long, short }, sink) => {
  if ((parseDuration(short) ?? 0) >= (parseDuration(long) ?? Number.POSITIVE_INFINITY))
    report(sink, 'conflict', 'must be shorter than long', ['short']);
});

const schema = strict({
  targetRef: targetRef.describe('What the objective is about: a service, or one of its routes.'),
  objective: z
    .number()
    .min(1)
    .max(99.9999)
    .describe(
      'Percent of the requests that have to be good, 1 to 99.9999, such as 99.9. The rest is the error budget.',
    ),
  periodDays: z
    .int()
    .min(1)
    .max(90)
    .default(30)
    .describe('Days over which it has to be kept, 1 to 90; the period moves with time. Default: 30.'),
  availability: strict({
    ignore: ignoredOutcomes().describe(
      'Classes of failures that count neither as good nor as bad. Default: throttled, rate_limited, denied. Requests whose caller went away never count.',
    ),
  })
    .optional()
    .describe('Good is what did not fail. Either this or latency.'),
  latency: strict({
    threshold: duration({ min: 1 }).describe('Good is what was answered within this time, at least "1ms".'),
  })
    .optional()
    .describe('Good is what was answered in time, among the requests that did not fail. Either this or availability.'),
  alerts: z
    .array(burnAlert)
    .max(8)
    .optional()
    .describe(
      'Pairs of windows; an alert fires when both burn the budget that fast. Default: by the Google SRE workbook, 2 % of the budget in 1h (and 5m) and 5 % in 6h (and 30m) are critical, 10 % in 72h (and 6h) are a warning: burn rates 14.4, 6 and 1 for 30 days; for shorter periods those that come to 1 at least. Empty = no alerts.',
    ),
  minimumRequests: z
    .int()
    .min(0)
    .max(1_000_000_000)
    .default(10)
    .describe(
      'Fewer requests than this in the long window begin no alert: one failure of three is no outage. 0 = any number is judged. Default: 10.',
    ),
  keepFiring: duration()
    .default('5m')
    .describe('How long it has to be over before the alert ends. "0s" = at once. Default: 5m.'),
  ...alertTexts,
}).superRefine((spec, sink) => {
  if ((spec.availability === undefined) === (spec.latency === undefined))
    report(sink, 'conflict', 'must have either availability or latency');
  checkWindows(spec, sink);
});

type Spec = z.infer<typeof schema>;

function checkWindows({ alerts, periodDays }: Pick<Spec, 'alerts' | 'periodDays'>, sink: IssueSink): void {
  for (const [index, { long }] of (alerts ?? []).entries()) {
    if ((parseDuration(long) ?? 0) > periodDays * DAY_MS)
      report(sink, 'conflict', 'must not be longer than the period', ['alerts', index, 'long']);
  }
}

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;

/** Google SRE workbook, chapter 5, table 5-8: share of the budget, in which time, and who is told. */
const STANDARD: readonly (Omit<BurnWindow, 'burnRate'> & { readonly budget: number })[] = [
  { budget: 0.02, longMs: HOUR_MS, shortMs: 5 * MINUTE_MS, severity: 'critical' },
  { budget: 0.05, longMs: 6 * HOUR_MS, shortMs: 30 * MINUTE_MS, severity: 'critical' },
  { budget: 0.1, longMs: 72 * HOUR_MS, shortMs: 6 * HOUR_MS, severity: 'warning' },
];

/**
 * The standard windows of a period. One that would fire although the budget lasts for longer than the period is left out, as
 * is one that is no part of it. Burn rates to a thousandth.
 */
export const standardWindows = (periodMs: number): readonly BurnWindow[] =>
  STANDARD.map(({ budget, ...window }) => ({
    ...window,
    burnRate: Math.round((budget * periodMs * 1000) / window.longMs) / 1000,
  })).filter(({ longMs, burnRate }) => longMs < periodMs && burnRate >= 1);

function windowsOf({ alerts, periodDays }: Pick<Spec, 'alerts' | 'periodDays'>): readonly BurnWindow[] {
  const periodMs = periodDays * DAY_MS;
  return (
    alerts?.map((one) => ({
      ...{ longMs: durationToMs(one.long), shortMs: durationToMs(one.short), burnRate: one.burnRate },
      severity: one.severity satisfies AlertSeverity,
    })) ?? standardWindows(periodMs)
  );
}

const indicatorOf = ({ availability, latency }: Spec): Indicator =>
  latency === undefined
    ? { type: 'Availability', ignore: availability?.ignore ?? [] }
    : { type: 'Latency', thresholdMs: durationToMs(latency.threshold) };

function trafficOf({ kind, name, port, rule }: Spec['targetRef'], namespace: string): TrafficSelector {
  if (kind === 'Service') return { ...ALL_TRAFFIC, namespace, service: name, port };
  return { ...ALL_TRAFFIC, route: { kind, namespace, name, rule: rule ?? '' } };
}

/** ServiceLevelObjective: how good a service or a route has to be, and alerts on its error budget. */
export const serviceLevelObjectiveKind = defineKind({
  kind: 'ServiceLevelObjective',
  plural: 'servicelevelobjectives',
  aliases: ['slo', 'slos'],
  apiVersion: 'heddle.dev/v1alpha1',
  group: 'operation',
  scope: 'namespace',
  nameRule: 'subdomain',
  summary: 'How good a service or a route has to be, and alerts when its error budget is used up too fast.',
  spec: readBy(schema),
  warn: (spec) =>
    windowsOf(spec).flatMap(({ burnRate }, index) =>
      burnRate * (1 - spec.objective / 100) < 1
        ? []
        : [
            warning(
              ['spec', 'alerts', index],
              'no-effect',
              `never fires: at an objective of ${spec.objective} % even nothing but failures burns the budget less than ${burnRate} times too fast`,
            ),
          ],
    ),
  toDomain: (spec, place, source) => ({
    type: 'ServiceLevelObjective',
    value: {
      source,
      namespace: place.namespace,
      name: place.name,
      target: { kind: spec.targetRef.kind, name: spec.targetRef.name },
      traffic: trafficOf(spec.targetRef, place.namespace),
      indicator: indicatorOf(spec),
      objective: spec.objective / 100,
      periodMs: spec.periodDays * DAY_MS,
      windows: windowsOf(spec),
      minimumRequests: spec.minimumRequests,
      keepFiringMs: durationToMs(spec.keepFiring),
      ...toTexts(spec),
    },
  }),
});
