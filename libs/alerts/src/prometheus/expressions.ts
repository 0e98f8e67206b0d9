/** What Envoy and Heddle expose to Prometheus, as expressions. Tried on real sidecars: test/prometheus. */
import type { Indicator, SignalCondition, TrafficSelector } from '#libs/model';

/** A duration as PromQL writes it, in the largest unit that needs no other. */
export function promDuration(ms: number): string {
  if (ms % 1000 !== 0) return `${ms}ms`;
  const seconds = ms / 1000;
  if (seconds > 0 && seconds % 3600 === 0) return `${seconds / 3600}h`;
  return seconds > 0 && seconds % 60 === 0 ? `${seconds / 60}m` : `${seconds}s`;
}

/** Upper bounds in which sidecars count times, milliseconds: those of their bootstrap, since Envoy has others by itself. */
export const BUCKETS: readonly number[] = [
  ...[1, 2, 3, 4, 5, 7, 9, 12, 16, 22, 30, 40, 54, 72, 97, 130, 175, 235, 315, 425, 570, 770],
  ...[1_040, 1_400, 1_900, 2_600, 3_500, 5_000, 10_000, 30_000],
];

/** The bucket that a time is judged by: the largest one that is not longer, so that alerts come rather too early. */
export const bucketOf = (ms: number): number => BUCKETS.findLast((bucket) => bucket <= ms) ?? BUCKETS[0] ?? 1;

/** Prometheus writes bounds as the sidecar does, from version 3 on as `315.0`. */
const bucketLabel = (ms: number): string => `le=~"${bucketOf(ms)}([.]0)?"`;

/** Why Prometheus cannot tell this part of the traffic; undefined when it can. */
export function untold({ route, caller, instance }: TrafficSelector): string | undefined {
  if (route) return 'Envoy counts nothing by route';
  if (caller !== undefined)
    return 'which sidecar a series is from is named by your scrape configuration: add its label';
  return instance === undefined ? undefined : 'Envoy counts nothing by instance';
}

/** Clusters are called `<namespace>/<service>/<port>[/<subset>]`. */
function clusters({ namespace, service, port }: TrafficSelector): string {
  const parts = [namespace ?? '[^/]+', service ?? '[^/]+', port ?? '[0-9]+'];
  return `envoy_cluster_name=~"${parts.join('/')}(/.*)?"`;
}

const sum = (series: string, by: string): string => `sum${by} (${series})`;

interface Series {
  readonly traffic: TrafficSelector;
  readonly window: string;
  /** ` by (...)` or ''. */
  readonly by: string;
}

const answered = ({ traffic, window, by }: Series): string =>
  sum(`rate(envoy_cluster_upstream_rq_completed{${clusters(traffic)}}[${window}])`, by);
const failed = ({ traffic, window, by }: Series): string =>
  sum(`rate(envoy_cluster_upstream_rq_xx{${clusters(traffic)},envoy_response_code_class="5"}[${window}])`, by);
const retried = ({ traffic, window, by }: Series): string =>
  sum(`rate(envoy_cluster_upstream_rq_retry{${clusters(traffic)}}[${window}])`, by);
const within = ({ traffic, window, by }: Series, ms: number): string =>
  sum(`rate(envoy_cluster_upstream_rq_time_bucket{${clusters(traffic)},${bucketLabel(ms)}}[${window}])`, by);
const timed = ({ traffic, window, by }: Series): string =>
  sum(`rate(envoy_cluster_upstream_rq_time_count{${clusters(traffic)}}[${window}])`, by);

/** Share of the requests of a window that were bad. */
export function badShare(traffic: TrafficSelector, indicator: Indicator, windowMs: number): string {
  const series = { traffic, window: promDuration(windowMs), by: '' };
  return indicator.type === 'Availability'
    ? `(${failed(series)} or vector(0)) / ${answered(series)}`
    : `1 - ${within(series, indicator.thresholdMs)} / ${timed(series)}`;
}

/** How many requests there were. */
export const requestsIn = (traffic: TrafficSelector, windowMs: number, by = ''): string =>
  sum(`increase(envoy_cluster_upstream_rq_completed{${clusters(traffic)}}[${promDuration(windowMs)}])`, by);

/** The condition of a rule, with its comparison. */
export function signalExpression(condition: SignalCondition): string {
  const { traffic, windowMs, comparison, threshold, aggregate, quantile, minimumRequests } = condition;
  const by = condition.by === 'Service' ? ' by (envoy_cluster_name)' : '';
  const series = { traffic, window: promDuration(windowMs), by };
  const compare = comparison === 'Above' ? '>' : '<';
  const enough = minimumRequests > 0 ? ` and ${requestsIn(traffic, windowMs, by)} >= ${minimumRequests}` : '';
  switch (aggregate) {
    case 'Rate':
      return `${answered(series)} ${compare} ${threshold}`;
    case 'FailurePercent':
      return `100 * ${failed(series)} / ${answered(series)} ${compare} ${threshold}${enough}`;
    case 'AttemptsPerRequest':
      return `1 + ${retried(series)} / ${answered(series)} ${compare} ${threshold}${enough}`;
    case 'Latency': {
      const labels = condition.by === 'Service' ? 'envoy_cluster_name, le' : 'le';
      const buckets = `rate(envoy_cluster_upstream_rq_time_bucket{${clusters(traffic)}}[${series.window}])`;
      return `histogram_quantile(${quantile}, sum by (${labels}) (${buckets})) > ${threshold}${enough}`;
    }
  }
}
