import { Link } from 'wouter';
import type { GoldenSignals } from '../api/signals';
import type { Range } from '../ui/range-of';
import ui from '../ui/ui.module.css';
import { failuresHref } from './failures-href';
import { countWords, outcomeWords } from './words';

interface OutcomesProps {
  readonly of: GoldenSignals;
  readonly range: Range;
  readonly callee: string;
  /** '' = who has no identity. */
  readonly caller?: string;
}

/** How requests failed; each leads to the single ones. */
export function Outcomes({ of, range, callee, caller }: OutcomesProps) {
  const failed = of.outcomes.filter(({ outcome }) => outcome !== 'ok');
  if (failed.length === 0) return null;
  return (
    <ul className={ui.outcomes} aria-label="How requests failed">
      {failed.map(({ outcome, count }) => (
        <li key={outcome}>
          <Link className={ui.chip} href={failuresHref({ callee, caller, outcome }, range)}>
            {countWords(count)} {outcomeWords(outcome)}
          </Link>
        </li>
      ))}
    </ul>
  );
}
