import { type HrTime, ValueType } from '@opentelemetry/api';
import { AggregationTemporality, DataPointType, type MetricData } from '@opentelemetry/sdk-metrics';
import type { ExportedMetric, ExportedPoint } from '#libs/kernel';

const toHrTime = (ms: number): HrTime => [Math.floor(ms / 1000), Math.round((ms % 1000) * 1e6)];

/** A metric as the SDK's exporters take it. @param now milliseconds since the epoch */
export function metricData(metric: ExportedMetric, now: number): MetricData {
  const { name, description, unit } = metric;
  const endTime = toHrTime(now);
  const timed = <T>({ values, since }: ExportedPoint<T>) => ({
    ...{ attributes: values, startTime: toHrTime(since), endTime },
  });
  const about = {
    descriptor: { name, description, unit, valueType: ValueType.DOUBLE },
    aggregationTemporality: AggregationTemporality.CUMULATIVE,
  };
  switch (metric.kind) {
    case 'sum': {
      const dataPoints = metric.points.map((point) => ({ ...timed(point), value: point.value }));
      return { ...about, dataPointType: DataPointType.SUM, isMonotonic: true, dataPoints };
    }
    case 'gauge': {
      const dataPoints = metric.points.map((point) => ({ ...timed(point), value: point.value }));
      return { ...about, dataPointType: DataPointType.GAUGE, dataPoints };
    }
    case 'histogram': {
      const dataPoints = metric.points.map((point) => {
        const { bounds, counts, sum } = point.value;
        const count = counts.reduce((all, one) => all + one, 0);
        return { ...timed(point), value: { buckets: { boundaries: [...bounds], counts: [...counts] }, sum, count } };
      });
      return { ...about, dataPointType: DataPointType.HISTOGRAM, dataPoints };
    }
  }
}
