import type { ReactNode } from 'react';
import type { Fact } from '../../api/signals';
import { countWords, msWords, outcomeWords, rateWords, shareWords } from '../../signals/words';
import { Panel } from '../../ui/page';
import { Empty } from '../../ui/states';
import ui from '../../ui/ui.module.css';
import css from './patterns.module.css';

/** What was counted, and what it is compared with. */
export const Evidence = ({ facts }: { readonly facts: readonly Fact[] }) => (
  <Panel title="What shows it" flush>
    {facts.length === 0 ? (
      <Empty title="Nothing but that they fail" />
    ) : (
      <div className={css.evidence}>
        {facts.map((fact, i) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: facts have nothing else to be told apart by
          <One key={i} fact={fact} />
        ))}
      </div>
    )}
  </Panel>
);

function One({ fact }: { readonly fact: Fact }): ReactNode {
  switch (fact.kind) {
    case 'share':
      return <Shares of={fact} />;
    case 'ratio':
      return <Ratio of={fact} />;
    case 'outcomes':
      return <Counts counts={fact.counts} />;
    case 'series':
      return <Series of={fact} />;
    case 'bursts':
      return <Bursts of={fact} />;
  }
}

type Of<K extends Fact['kind']> = Extract<Fact, { kind: K }>;

const ratio = (failed: number, total: number): number => (total > 0 ? Math.min(1, failed / total) : 0);

/** Two shares under each other, so that the eye compares them. */
function Shares({ of: { of, failed, total, beside } }: { readonly of: Of<'share'> }) {
  return (
    <div className={css.fact}>
      {[{ of, failed, total }, beside].map((one, i) => (
        <div key={one.of} className={css.shares}>
          <span>
            {one.of}: {shareWords(ratio(one.failed, one.total))}
            <span className={ui.rowText}>
              {' '}
              {countWords(one.failed)} of {countWords(one.total)}
            </span>
          </span>
          <span className={css.track} aria-hidden>
            <span
              className={i === 0 ? css.fill : css.fillBeside}
              style={{ width: `${(ratio(one.failed, one.total) * 100).toFixed(1)}%` }}
            />
          </span>
        </div>
      ))}
    </div>
  );
}

function valueWords(value: number, unit: Of<'ratio'>['unit']): string {
  if (unit === 'ms') return msWords(value);
  if (unit === 'per_second') return rateWords(value);
  return unit === 'share' ? shareWords(value) : `${value.toFixed(2)} attempts a request`;
}

const Ratio = ({ of: { of, now, usual, unit } }: { readonly of: Of<'ratio'> }) => (
  <p className={css.fact}>
    {of}: <strong>{valueWords(now, unit)}</strong>, usually {valueWords(usual, unit)}
  </p>
);

const Counts = ({ counts }: { readonly counts: Readonly<Record<string, number>> }) => (
  <p className={css.fact}>
    {Object.entries(counts)
      .toSorted(([, a], [, b]) => b - a)
      .map(([outcome, count]) => `${countWords(count)} ${outcomeWords(outcome)}`)
      .join(', ')}
  </p>
);

/** A bar for each bucket; in words, where it begins and how high it gets. */
function Series({ of: { from, bucketMs, failed } }: { readonly of: Of<'series'> }) {
  const most = Math.max(1, ...failed);
  const at = (i: number): string => new Date(from + i * bucketMs).toLocaleTimeString('en-GB');
  const words = `failures in each ${msWords(bucketMs)} from ${at(0)} to ${at(failed.length)}: at most ${countWords(Math.max(0, ...failed))}`;
  return (
    <figure className={css.fact} style={{ margin: 0 }}>
      <svg
        className={css.series}
        viewBox={`0 0 ${Math.max(1, failed.length)} 20`}
        preserveAspectRatio="none"
        role="img"
        aria-label={words}
      >
        {failed.map((count, i) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: a bucket is its place
          <rect key={i} x={i + 0.1} width={0.8} y={20 - (18 * count) / most} height={(18 * count) / most} />
        ))}
      </svg>
      <figcaption className={ui.rowText}>{words}</figcaption>
    </figure>
  );
}

const SHOWN = 8;

const Bursts = ({ of: { periodMs, at } }: { readonly of: Of<'bursts'> }) => (
  <p className={css.fact}>
    A burst every {msWords(periodMs)}:{' '}
    {at
      .slice(-SHOWN)
      .map((one) => new Date(one).toLocaleTimeString('en-GB'))
      .join(', ')}
  </p>
);
