import type { SignalChart } from '../api/signals';
import css from '../ui/chart/chart.module.css';
import { type Frame, timeWords } from '../ui/chart/frame';
import { latencyWords, rateWords, shareWords } from './words';

interface NumbersProps {
  readonly points: SignalChart['points'];
  readonly frame: Frame;
  readonly isBrief: boolean;
}

/** What charts draw, for who reads: the newest first. */
export const Numbers = ({ points, frame, isBrief }: NumbersProps) => (
  // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keys
  <section className={css.numbers} tabIndex={0} aria-label="Numbers of the charts">
    <table>
      <thead>
        <tr>
          <th scope="col">Time</th>
          <th scope="col">Requests</th>
          <th scope="col">Failing</th>
          {!isBrief && ['p50', 'p90', 'p99'].map((name) => <th key={name} scope="col">{`Latency ${name}`}</th>)}
          <th scope="col">Complete</th>
        </tr>
      </thead>
      <tbody>
        {points.toReversed().map((point) => (
          <tr key={point.at}>
            <td>{timeWords(Date.parse(point.at), frame)}</td>
            <td>{rateWords(point.rate)}</td>
            <td>{point.count > 0 ? shareWords(point.failureShare) : '–'}</td>
            {!isBrief && (['p50', 'p90', 'p99'] as const).map((of) => <td key={of}>{latencyWords(point, of)}</td>)}
            <td>{point.incomplete ? 'no' : 'yes'}</td>
          </tr>
        ))}
      </tbody>
    </table>
  </section>
);
