import { Link } from 'wouter';
import type { GoldenSignals } from '../api/signals';
import type { Range } from '../ui/range-of';
import ui from '../ui/ui.module.css';
import { countWords, outcomeWords } from './words';

interface OutcomesProps {
  readonly of: GoldenSignals;
  readonly range: Range;
  readonly callee?: string;
  readonly caller?: string;
}

/** How requests failed; each leads to the single ones. */
export function Outcomes({ of, range, callee, caller }: OutcomesProps) {
  const failed = of.outcomes.filter(({ outcome }) => outcome !== 'ok');
  if (failed.length === 0) return null;
  const where = [...(callee ? [`callee=${callee}`] : []), ...(caller ? [`caller=${caller}`] : [])].join('&');
  return (
    <ul className={ui.outcomes} aria-label="How requests failed">
      {failed.map(({ outcome, count }) => (
        <li key={outcome}>
          <Link className={ui.chip} href={`/failures?${where}&outcome=${outcome}&${range.search}`}>
            {countWords(count)} {outcomeWords(outcome)}
          </Link>
        </li>
      ))}
    </ul>
  );
}
