/** Series that several dashboards read, as `heddle prometheus` labels them. */

/** Calls that sidecars make for their applications, from their own side. `more` are further matchers. */
export interface Calls {
  readonly rate: (series: string, by?: string, more?: string) => string;
}

const WINDOW = '[$__rate_interval]';

/** @param selector matchers of all of them */
export const calls = (selector: string): Calls => ({
  rate: (series, by = '', more = '') =>
    `sum${by === '' ? '' : ` by (${by})`} (rate(envoy_cluster_${series}{${[selector, more].filter(Boolean).join(',')}}${WINDOW}))`,
});

/** Percent of answers that are 5xx, Envoy's own included. Where nothing failed it is 0, where nothing was asked nothing. */
export const failurePercent = ({ rate }: Calls, by = ''): string => {
  const answered = rate('upstream_rq_completed', by);
  const failed = rate('upstream_rq_xx', by, 'envoy_response_code_class="5"');
  return `100 * (${failed} or 0 * ${answered}) / ${answered}`;
};

/** Milliseconds. */
export const quantile = ({ rate }: Calls, q: number, by = ''): string =>
  `histogram_quantile(${q}, ${rate('upstream_rq_time_bucket', by === '' ? 'le' : `le, ${by}`)})`;

/** Sums over control planes. */
export const increase = (series: string, by = ''): string =>
  `sum${by === '' ? '' : ` by (${by})`} (rate(${series}{job="heddle"}${WINDOW}))`;
