import { useId, useMemo } from 'react';
import type { SignalChart } from '../api/signals';
import { Chart } from '../ui/chart/chart';
import css from '../ui/chart/chart.module.css';
import { Marks } from '../ui/chart/marks';
import type { Line } from '../ui/chart/plot';
import type { Step } from '../ui/chart/steps';
import { Fold } from '../ui/fold';
import { useBetween } from '../ui/range';
import type { Happened } from './happenings';
import { Numbers } from './numbers';
import { msWords, rateWords, shareWords } from './words';

const RATE: readonly Line[] = [{ name: 'requests a second', colour: 'line-a', isFilled: true }];
const FAILURES: readonly Line[] = [{ name: 'failing', colour: 'bad-fill', isFilled: true }];
const LATENCY: readonly Line[] = [
  { name: 'p50', colour: 'line-a' },
  { name: 'p90', colour: 'line-b' },
  { name: 'p99', colour: 'line-c' },
];

type Point = SignalChart['points'][number];

const stepsOf = (points: readonly Point[], values: (point: Point) => Step['values']): readonly Step[] =>
  points.map((point) => ({
    ...{ at: Date.parse(point.at), isIncomplete: point.incomplete === true, values: values(point) },
  }));

interface SignalChartsProps {
  readonly chart: SignalChart;
  readonly happened: readonly Happened[];
  /** Only how many, and how many of them fail. */
  readonly isBrief?: boolean;
}

/** Where what happened in a time is shown one by one. */
export const timelineBetween = (from: number, to: number): string =>
  `/timeline?from=${encodeURIComponent(new Date(from - 1_000).toISOString())}&to=${encodeURIComponent(new Date(to + 1_000).toISOString())}`;

/** How requests fare over time, with what happened meanwhile. */
export function SignalCharts({ chart, happened, isBrief = false }: SignalChartsProps) {
  const sync = useId();
  const onBetween = useBetween();
  const { points } = chart;
  const frame = useMemo(
    () => ({ from: Date.parse(chart.from), to: Date.parse(chart.to), stepMs: chart.stepMs }),
    [chart.from, chart.to, chart.stepMs],
  );
  const rates = useMemo(() => stepsOf(points, ({ rate }) => [rate]), [points]);
  // Of no requests no share fails, and none does not: it is not known.
  const shares = useMemo(
    () => stepsOf(points, ({ count, failureShare }) => [count > 0 ? failureShare : null]),
    [points],
  );
  const times = useMemo(
    () => stepsOf(points, ({ latency }) => [latency?.p50 ?? null, latency?.p90 ?? null, latency?.p99 ?? null]),
    [points],
  );
  const common = { frame, sync, onBetween, marks: happened.map(({ at }) => at) };
  return (
    <>
      <Marks frame={frame} marks={happened} hrefOf={timelineBetween} />
      <Chart {...common} title="Requests a second" steps={rates} lines={RATE} words={rateWords} />
      <Chart {...common} title="Failing requests" steps={shares} lines={FAILURES} words={shareWords} />
      {!isBrief && (
        <Chart
          {...common}
          title="Latency"
          note="so many percent are answered within"
          steps={times}
          lines={LATENCY}
          words={msWords}
        />
      )}
      <Legend points={points} frame={frame} />
      <Fold title="The same as a table">
        <Numbers points={points} frame={frame} isBrief={isBrief} />
      </Fold>
    </>
  );
}

interface LegendProps {
  readonly points: readonly Point[];
  readonly frame: { readonly from: number; readonly to: number; readonly stepMs: number };
}

/** What the grounds of the charts mean, where there are any. */
function Legend({ points, frame: { from, to, stepMs } }: LegendProps) {
  const isIncomplete = points.some(({ incomplete }) => incomplete === true);
  const isUnknown = points.length < Math.ceil((to - from) / stepMs);
  if (!isIncomplete && !isUnknown) return null;
  return (
    <div className={css.legend}>
      {isIncomplete && (
        <span>
          <span className={css.hatched} aria-hidden /> incomplete: counts are lower bounds, or the step has not ended
        </span>
      )}
      {isUnknown && (
        <span>
          <span className={css.sunk} aria-hidden /> nothing is kept of this time
        </span>
      )}
    </div>
  );
}
