import type { AlertRule, SignalCondition, TrafficSelector } from '#libs/model';
import { LatencySketch } from '#libs/telemetry';
import type { SignalGroup, SignalQuestion, SignalReading } from '../ports.js';
import { failuresOf, missingShare, requestsOf, slowOf } from './counts.js';
import { type Assessment, ruleLabels, type Sample, trafficLabels, trafficWords, type Unit } from './sample.js';
import { attemptBounds, type Bounds, judge, rateBounds, shareBounds, type Verdict } from './verdict.js';
import { duration, number } from './words.js';

/** An alert rule over the traffic. */
export type SignalRule = AlertRule & { readonly condition: SignalCondition };

export const isSignalRule = (rule: AlertRule): rule is SignalRule => rule.condition.type === 'Signal';

const isOfInstances = ({ by, traffic }: SignalCondition): boolean =>
  by === 'Instance' || traffic.instance !== undefined;

export function signalQuestion({ condition }: SignalRule, mesh: string, now: number): SignalQuestion {
  return {
    mesh,
    traffic: condition.traffic,
    what: isOfInstances(condition) ? 'attempts' : 'requests',
    by: condition.by,
    from: now - condition.windowMs,
    to: now,
    latencies: condition.aggregate === 'Latency',
  };
}

/** What the aggregate comes to, and what it is compared by. */
interface Measured {
  readonly value: number;
  /** Of what `limit` is compared with. */
  readonly bounds: Bounds;
  readonly limit: number;
  readonly count: number;
}

const UNITS: Readonly<Record<SignalCondition['aggregate'], Unit>> = {
  Rate: 'requests/s',
  FailurePercent: '%',
  Latency: 'ms',
  AttemptsPerRequest: 'attempts',
};

function measure(condition: SignalCondition, group: SignalGroup, missing: number): Measured {
  const { threshold, windowMs, quantile, ignore } = condition;
  const requests = requestsOf(group);
  switch (condition.aggregate) {
    case 'Rate':
      return {
        value: (requests * 1000) / windowMs,
        bounds: rateBounds(requests, windowMs, missing),
        limit: threshold,
        count: Number.POSITIVE_INFINITY,
      };
    case 'FailurePercent': {
      const { bad, total } = failuresOf(group.outcomes, ignore);
      const bounds = shareBounds(bad, total, missing);
      return { value: total > 0 ? (bad / total) * 100 : Number.NaN, bounds, limit: threshold / 100, count: total };
    }
    // A quantile is above a time when more than the rest of the requests took longer: a share, of which gaps can be judged.
    case 'Latency': {
      const { bad, total } = slowOf(group.latencies, threshold);
      const bounds = shareBounds(bad, total, missing);
      return { value: group.latencies.quantile(quantile), bounds, limit: 1 - quantile, count: total };
    }
    case 'AttemptsPerRequest':
      return {
        value: requests > 0 ? group.attempts / requests : Number.NaN,
        bounds: attemptBounds(group.attempts, requests, missing),
        limit: threshold,
        count: requests,
      };
  }
}

/** @param reading the answer to `signalQuestion` */
export function judgeSignal(rule: SignalRule, question: SignalQuestion, reading: SignalReading): Assessment {
  const missing = missingShare(reading, question);
  const samples = groupsOf(rule.condition, reading).map((group) => sampleOf(rule, { question, group, missing }));
  const unknown = samples.some(({ verdict }) => verdict === 'unknown');
  return {
    rule: rule.source,
    state: unknown ? 'unknown' : 'evaluated',
    why: unknown ? `too few requests, or too much of the last ${duration(rule.condition.windowMs)} is not known` : '',
    samples,
    // A group of which nothing was counted is neither good nor bad.
    others: 'unknown',
    forMs: rule.forMs,
    keepFiringMs: rule.keepFiringMs,
    description: rule.description,
    runbook: rule.runbook,
  };
}

/** All of the traffic together is there even when it is none: a rate of 0 is a rate. */
function groupsOf({ by }: SignalCondition, { groups }: SignalReading): readonly SignalGroup[] {
  return by === 'None' ? [groups[0] ?? NOTHING] : groups;
}

const NOTHING: SignalGroup = {
  key: { callee: '', route: '', caller: '', instance: '' },
  outcomes: new Map(),
  attempts: 0,
  latencies: new LatencySketch(),
};

interface Look {
  readonly question: SignalQuestion;
  readonly group: SignalGroup;
  readonly missing: number;
}

function sampleOf(rule: SignalRule, { question, group, missing }: Look): Sample {
  const { condition } = rule;
  const measured = measure(condition, group, missing);
  const traffic = narrowed(condition, group);
  return {
    labels: { ...ruleLabels(question.mesh, rule, rule.severity), ...trafficLabels(traffic) },
    verdict: verdictOf(condition, measured),
    value: measured.value,
    threshold: condition.threshold,
    unit: UNITS[condition.aggregate],
    sentence: sentenceOf(condition, { traffic, measured, missing }),
  };
}

function verdictOf(condition: SignalCondition, { bounds, limit, count }: Measured): Verdict {
  if (count < condition.minimumRequests) return 'unknown';
  return judge(bounds, condition.comparison, limit);
}

/** The traffic of one group. */
function narrowed({ traffic, by }: SignalCondition, { key }: SignalGroup): TrafficSelector {
  const [namespace, service, port] = key.callee.split('/');
  const callee = key.callee === '' ? {} : { namespace, service, port: port ? Number(port) : undefined };
  switch (by) {
    case 'None':
      return traffic;
    case 'Service':
      return { ...traffic, ...callee };
    case 'Edge':
      return { ...traffic, ...callee, caller: key.caller || 'unknown' };
    case 'Instance':
      return { ...traffic, ...callee, instance: key.instance || 'none' };
    case 'Route': {
      const [kind = '', home = '', name = '', rule = ''] = key.route.split('/');
      return { ...traffic, ...callee, route: { kind: kind || 'none', namespace: home, name, rule } };
    }
  }
}

function sentenceOf(
  condition: SignalCondition,
  {
    traffic,
    measured,
    missing,
  }: { readonly traffic: TrafficSelector; readonly measured: Measured; readonly missing: number },
): string {
  const { comparison, threshold, windowMs, quantile } = condition;
  const limit = `${comparison === 'Above' ? 'more' : 'less'} than`;
  const within = `in ${duration(windowMs)}`;
  const gap = missing > 0 ? `; ${number(missing * 100)} % of the time is not known` : '';
  const value = number(measured.value);
  const words: Readonly<Record<SignalCondition['aggregate'], string>> = {
    Rate: `${value} requests a second ${within} (alert at ${limit} ${number(threshold)})`,
    FailurePercent: `${value} % of ${number(measured.count)} requests failed ${within} (alert at ${limit} ${number(threshold)} %)`,
    Latency: `${number(quantile * 100)} % of ${number(measured.count)} requests were answered within ${duration(measured.value)} ${within} (alert at ${limit} ${duration(threshold)})`,
    AttemptsPerRequest: `${value} attempts a request ${within}, retries included (alert at ${limit} ${number(threshold)})`,
  };
  return `${trafficWords(traffic)}: ${words[condition.aggregate]}${gap}`;
}
