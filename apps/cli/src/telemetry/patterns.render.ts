import type { PatternsView } from '#libs/api';
import { inline, share } from './numbers.js';

type Pattern = PatternsView['items'][number];
type Suspect = Pattern['suspects'][number];

/** Of a suspicion: less is not worth a line. */
const LEAST_SCORE = 0.05;
const MOST_SUSPECTS = 3;

/** What goes on first, then what is over; under each its evidence, and what to do about its likeliest suspect. */
export function renderPatterns({ items, hidden, from, to }: PatternsView): string {
  const lines = items.toSorted((a, b) => Number(a.state === 'over') - Number(b.state === 'over')).map(rendered);
  const others = hidden > 0 ? [`and ${hidden} more that you may not see`] : [];
  if (lines.length + others.length === 0)
    return `failures from ${from} to ${to} have no pattern, or there are none (heddle failures lists single ones)`;
  return [...lines, ...others].join('\n\n');
}

function rendered(pattern: Pattern): string {
  const { name, state, begun, ended, sentence, failedRequests, shareOfAll, confidence } = pattern;
  const when = state === 'active' ? `since ${begun}` : `from ${begun} to ${ended ?? ''}`;
  const counts = `${Math.round(failedRequests)} requests failed by it, ${share(shareOfAll)} of all failures; confidence ${share(confidence)}`;
  const follows = pattern.upstream.length > 0 ? [`  so ${pattern.upstream.map(inline).join(', ')} fail too`] : [];
  const suspects = pattern.suspects.filter(({ score }) => score >= LEAST_SCORE).slice(0, MOST_SUSPECTS);
  const unseen = pattern.hiddenSuspects > 0 ? [`  suspects that you may not see: ${pattern.hiddenSuspects}`] : [];
  return [
    `${state === 'active' ? '●' : '○'} ${name.replaceAll('_', ' ')}  ${when}`,
    `  ${inline(sentence)}`,
    `  ${counts}`,
    ...follows,
    ...suspects.flatMap(suspected),
    ...unseen,
  ].join('\n');
}

function suspected({ id, title, score, why, reversible }: Suspect): string[] {
  const undo = reversible ? [`      heddle rollback ${inline(id)}   shows its reversal, and asks`] : [];
  return [`  suspect ${share(score)}: ${inline(title)}: ${inline(why)}`, ...undo];
}
