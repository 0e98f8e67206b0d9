import type { AlertSeverity, BurnWindow, ServiceLevelObjective } from '#libs/model';
import type { SignalQuestion, SignalReading } from '../ports.js';
import { countBy, type GoodAndBad, missingShare } from './counts.js';
import { type Assessment, ruleLabels, type Sample, trafficLabels, trafficWords } from './sample.js';
import { any, type Bounds, both, judge, shareBounds, type Verdict } from './verdict.js';
import { duration, number, percent } from './words.js';

/** The burn rate that is shown is that of the last hour. */
const NOW_MS = 3_600_000;

/** How an objective stands. */
export interface ObjectiveStatus {
  /** Good share of the period's requests, 0 to 1; NaN = none. */
  readonly current: number;
  /** Requests of the period that count. */
  readonly requests: number;
  /** Share of the error budget that is left; below 0 = it is broken. NaN = no requests. */
  readonly budgetLeft: number;
  /** Of the last hour. 1 = the budget lasts exactly as long as the period. */
  readonly burnRate: number;
  /** Share of the period of which nothing is known, 0 to 1. */
  readonly missing: number;
  readonly windows: readonly (BurnWindow & { readonly longBurn: number; readonly shortBurn: number })[];
}

/** Windows that have to be read for it, each once. */
export const windowsOf = ({ windows, periodMs }: ServiceLevelObjective): readonly number[] => [
  ...new Set([...windows.flatMap(({ longMs, shortMs }) => [longMs, shortMs]), NOW_MS, periodMs]),
];

export const objectiveQuestions = (slo: ServiceLevelObjective, mesh: string, now: number): readonly SignalQuestion[] =>
  windowsOf(slo).map((windowMs) => ({
    ...{ mesh, traffic: slo.traffic, what: 'requests', by: 'None' },
    ...{ from: now - windowMs, to: now, latencies: slo.indicator.type === 'Latency' },
  }));

/** One window, read. */
interface Burn extends GoodAndBad {
  readonly missing: number;
  /** Times faster than the period allows. */
  readonly rate: number;
  readonly bounds: Bounds;
}

function burnIn(slo: ServiceLevelObjective, question: SignalQuestion, reading: SignalReading): Burn {
  const counts = countBy(slo.indicator, reading.groups[0]);
  const missing = missingShare(reading, question);
  const budget = 1 - slo.objective;
  const { low, high } = shareBounds(counts.bad, counts.total, missing);
  const rate = counts.total > 0 ? counts.bad / counts.total / budget : Number.NaN;
  return { ...counts, missing, rate, bounds: { low: low / budget, high: high / budget } };
}

type ByWindow = (windowMs: number) => Burn;

/** @param readings the answers to `objectiveQuestions`, in their order */
export function judgeObjective(
  slo: ServiceLevelObjective,
  mesh: string,
  asked: { readonly questions: readonly SignalQuestion[]; readonly readings: readonly SignalReading[] },
): { readonly assessment: Assessment; readonly status: ObjectiveStatus } {
  const burns = new Map<number, Burn>();
  for (const [index, question] of asked.questions.entries()) {
    const reading = asked.readings[index];
    if (reading) burns.set(question.to - question.from, burnIn(slo, question, reading));
  }
  const none: Burn = { bad: 0, total: 0, missing: 1, rate: Number.NaN, bounds: { low: Number.NaN, high: Number.NaN } };
  const burn: ByWindow = (windowMs) => burns.get(windowMs) ?? none;
  const status = statusOf(slo, burn);
  const samples = samplesOf(slo, { mesh, burn, status });
  return { assessment: assessmentOf(slo, samples), status };
}

function statusOf(slo: ServiceLevelObjective, burn: ByWindow): ObjectiveStatus {
  const period = burn(slo.periodMs);
  const current = period.total > 0 ? 1 - period.bad / period.total : Number.NaN;
  return {
    current,
    requests: period.total,
    budgetLeft: 1 - period.rate,
    burnRate: burn(NOW_MS).rate,
    missing: period.missing,
    windows: slo.windows.map((window) => ({
      ...window,
      longBurn: burn(window.longMs).rate,
      shortBurn: burn(window.shortMs).rate,
    })),
  };
}

interface Context {
  readonly mesh: string;
  readonly burn: ByWindow;
  readonly status: ObjectiveStatus;
}

/** One alert for each severity: any pair of windows of it. */
function samplesOf(slo: ServiceLevelObjective, context: Context): readonly Sample[] {
  const severities = [...new Set(slo.windows.map(({ severity }) => severity))];
  return severities.map((severity) => {
    const windows = slo.windows.filter((window) => window.severity === severity);
    const judged = windows.map((window) => ({ window, verdict: judgeWindow(slo, window, context.burn) }));
    const worst = judged.find(({ verdict }) => verdict === 'holds') ?? judged[0];
    return sampleOf(slo, {
      ...context,
      severity,
      worst: worst?.window,
      verdict: any(judged.map((one) => one.verdict)),
    });
  });
}

function judgeWindow(slo: ServiceLevelObjective, { longMs, shortMs, burnRate }: BurnWindow, burn: ByWindow): Verdict {
  // Too few say nothing, neither that it has begun nor that it is over.
  if (burn(longMs).total < slo.minimumRequests) return 'unknown';
  return both(judge(burn(longMs).bounds, 'Above', burnRate), judge(burn(shortMs).bounds, 'Above', burnRate));
}

function sampleOf(
  slo: ServiceLevelObjective,
  of: Context & {
    readonly severity: AlertSeverity;
    readonly worst: BurnWindow | undefined;
    readonly verdict: Verdict;
  },
): Sample {
  const { mesh, burn, status, severity, worst, verdict } = of;
  const long = burn(worst?.longMs ?? NOW_MS);
  return {
    labels: {
      ...ruleLabels(mesh, slo, severity),
      slo: slo.name,
      ...trafficLabels(slo.traffic),
      namespace: slo.namespace,
    },
    verdict,
    value: long.rate,
    threshold: worst?.burnRate ?? Number.NaN,
    unit: 'burn rate',
    sentence: worst ? sentenceOf(slo, { worst, burn, status }) : '',
  };
}

function sentenceOf(
  slo: ServiceLevelObjective,
  { worst, burn, status }: { readonly worst: BurnWindow; readonly burn: ByWindow; readonly status: ObjectiveStatus },
): string {
  const [long, short] = [burn(worst.longMs), burn(worst.shortMs)];
  const share = (one: Burn): string => (one.total > 0 ? percent(one.bad / one.total) : 'none');
  const what =
    slo.indicator.type === 'Availability' ? 'failed' : `took longer than ${duration(slo.indicator.thresholdMs)}`;
  const left = Number.isNaN(status.budgetLeft)
    ? ''
    : `; ${status.budgetLeft > 0 ? `${percent(status.budgetLeft)} of the budget of ${duration(slo.periodMs)} is left` : `the budget of ${duration(slo.periodMs)} is used up`}`;
  return (
    `${trafficWords(slo.traffic)}: ${share(long)} of ${number(long.total)} requests in ${duration(worst.longMs)} and ${share(short)} in ${duration(worst.shortMs)} ${what}: ` +
    `the error budget of ${percent(1 - slo.objective)} is used up ${number(long.rate)} times too fast (alert at ${number(worst.burnRate)})${left}${gap(long)}`
  );
}

const gap = ({ missing }: Burn): string => (missing > 0 ? `; ${percent(missing)} of the time is not known` : '');

function assessmentOf(slo: ServiceLevelObjective, samples: readonly Sample[]): Assessment {
  const unknown = samples.some(({ verdict }) => verdict === 'unknown');
  return {
    rule: slo.source,
    state: unknown ? 'unknown' : 'evaluated',
    why: unknown ? 'too few requests, or too much of the time is not known' : '',
    samples,
    others: 'over',
    forMs: 0,
    keepFiringMs: slo.keepFiringMs,
    description: slo.description,
    runbook: slo.runbook,
  };
}
