/** How numbers and classes of signals are said. */
import { isFailure } from '#libs/telemetry/names';
import type { GoldenSignals, Outcome, PatternName } from '../api/signals';
import type { Tone } from '../ui/tone';

const number = new Intl.NumberFormat('en', { maximumSignificantDigits: 3 });

/** `12.1 /s`; less than one in ten seconds is said by the minute. */
export function rateWords(perSecond: number): string {
  if (perSecond === 0) return '0 /s';
  return perSecond < 0.1 ? `${number.format(perSecond * 60)} /min` : `${number.format(perSecond)} /s`;
}

/** `4.2 %`; what is more than nothing is never said to be nothing. */
export function shareWords(share: number): string {
  if (share === 0) return '0 %';
  return share < 0.0001 ? '< 0.01 %' : `${number.format(share * 100)} %`;
}

/** `240 ms`, `1.5 s` */
export const msWords = (ms: number): string =>
  ms >= 1_000 ? `${number.format(ms / 1_000)} s` : `${number.format(ms)} ms`;

/** `3.2`, `1,210` */
export const countWords = (count: number): string => new Intl.NumberFormat('en').format(Math.round(count));

export const latencyWords = ({ latency }: Pick<GoldenSignals, 'latency'>, of: 'p50' | 'p90' | 'p99'): string =>
  latency ? msWords(latency[of]) : '–';

/** Saturation: how many are open at once, on average. */
export function openWords({ inFlight }: Pick<GoldenSignals, 'inFlight'>): string {
  if (inFlight === undefined) return '–';
  return inFlight > 0 && inFlight < 0.01 ? '< 0.01' : number.format(inFlight);
}

/** For each request: `1.00` = nothing was retried. */
export const attemptsWords = ({ attemptsPerRequest }: Pick<GoldenSignals, 'attemptsPerRequest'>): string =>
  attemptsPerRequest === undefined ? '–' : attemptsPerRequest.toFixed(2);

/** How bad it is that so many of the requests fail. */
export function failureTone({ count, failureShare }: Pick<GoldenSignals, 'count' | 'failureShare'>): Tone {
  if (count === 0) return 'idle';
  if (failureShare >= 0.05) return 'bad';
  return failureShare >= 0.005 ? 'warn' : 'good';
}

/** What became of requests, for who has not written it. */
export const OUTCOME_WORDS: Readonly<Record<Outcome, string>> = {
  ok: 'answered',
  error: 'the application answered with an error',
  throttled: 'the application answered 429',
  refused: 'nobody took the connection',
  connect_timeout: 'the connection was not answered in time',
  reset: 'the connection ended before the answer',
  tls: 'certificates were not accepted',
  timeout: 'no answer in time',
  no_instance: 'no instance to send to',
  dns: 'a name did not resolve',
  overflow: 'a circuit breaker let no more through',
  rate_limited: 'a rate limit refused',
  denied: 'an access policy refused',
  no_route: 'no route',
  injected: 'a fault that was injected on purpose',
  overloaded: 'the sidecar shed load',
  client_gone: 'the caller did not wait',
  other: 'failed in another way',
};

export const outcomeWords = (outcome: string): string =>
  Object.entries(OUTCOME_WORDS).find(([name]) => name === outcome)?.[1] ?? outcome;

/** What failed most often. */
export const failureWords = ({ outcomes }: Pick<GoldenSignals, 'outcomes'>): string =>
  outcomeWords(outcomes.find(({ outcome }) => isFailure(outcome))?.outcome ?? 'other');

/** Names of patterns, for a heading. */
export const PATTERN_WORDS: Readonly<Record<PatternName, string>> = {
  no_route: 'A route that leads nowhere',
  no_instance: 'No instance to send to',
  dns: 'A name that does not resolve',
  authorization: 'An access policy refuses',
  rate_limit: 'A rate limit refuses',
  fault_injection: 'Faults injected on purpose',
  certificate: 'Certificates are not accepted',
  periodic: 'Failures at regular intervals',
  bad_zone: 'One zone fails',
  cold_start: 'Instances fail while they start',
  bad_version: 'One version fails',
  bad_host: 'One instance fails',
  retry_storm: 'A storm of retries',
  overload: 'Overload',
  circuit_breaker: 'A circuit breaker is open',
  timeout_too_short: 'A timeout shorter than the work',
  connection_refused: 'Connections are refused',
  connection_reset: 'Connections break',
  failing_dependency: 'A dependency fails first',
};

/** `<namespace>/<name>` of `<namespace>/<name>/<port>`. */
export const serviceName = (callee: string): string => callee.split('/').slice(0, 2).join('/');

/** Of a caller as the API names it, within a sentence. */
export function callerWords(caller: string): string {
  if (caller === '') return 'without an identity';
  return caller === 'others' ? 'others that you may not see' : caller;
}
