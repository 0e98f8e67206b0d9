import type { Registry } from 'prom-client';
import type { ExportedHistogram, ExportedMetric, ExportedPoint, ExportedValues } from '#libs/kernel';

type Labels = Readonly<Record<string, string | number | undefined>>;
interface Value {
  readonly value: number;
  readonly labels: Labels;
  /** Of a histogram's parts: `<name>_bucket`, `<name>_sum`, `<name>_count`. */
  readonly metricName?: string | undefined;
}
interface Metric {
  readonly name: string;
  readonly help: string;
  /** `counter`, `gauge`, `histogram` or `summary`. */
  readonly type: unknown;
  readonly values: readonly Value[];
}

/** A Prometheus registry for other engines: the names, labels and buckets of `/metrics`. @param since its beginning */
export async function registryPoints(registry: Registry, since: number): Promise<ExportedMetric[]> {
  const metrics: readonly Metric[] = await registry.getMetricsAsJSON();
  return metrics.flatMap((metric) => exported(metric, since) ?? []);
}

function exported(metric: Metric, since: number): ExportedMetric | undefined {
  const { name, help: description, values, type } = metric;
  const about = { name, description, unit: '' };
  switch (type) {
    case 'counter':
    case 'gauge': {
      const points = values.map(({ value, labels }) => ({ values: valuesOf(labels), since, value }));
      return { ...about, kind: type === 'counter' ? 'sum' : 'gauge', points };
    }
    case 'histogram':
      return { ...about, kind: 'histogram', points: histograms(metric, since) };
    default:
      return undefined;
  }
}

const valuesOf = (labels: Labels): ExportedValues =>
  Object.fromEntries(Object.entries(labels).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])));

/** Buckets of one set of labels, as Prometheus has them: each with all that is below it. */
interface Gathered {
  readonly values: ExportedValues;
  readonly below: [bound: number, count: number][];
  sum: number;
  count: number;
}

function histograms({ name, values: parts }: Metric, since: number): ExportedPoint<ExportedHistogram>[] {
  const gathered = new Map<string, Gathered>();
  for (const { value, labels, metricName } of parts) {
    const { le, ...others } = labels;
    const values = valuesOf(others);
    const key = JSON.stringify(values);
    const one = gathered.get(key) ?? { values, below: [], sum: 0, count: 0 };
    gathered.set(key, one);
    if (metricName === `${name}_sum`) one.sum = value;
    else if (metricName === `${name}_count`) one.count = value;
    else if (le !== undefined && le !== '+Inf') one.below.push([Number(le), value]);
  }
  return [...gathered.values()].map(({ values, below, sum, count }) => {
    const sorted = below.sort(([a], [b]) => a - b);
    const upTo = [...sorted.map(([, many]) => many), count];
    const counts = upTo.map((many, i) => many - (upTo[i - 1] ?? 0));
    return { values, since, value: { bounds: sorted.map(([bound]) => bound), counts, sum } };
  });
}
