import { Link } from 'wouter';
import type { PatternView } from '../../api/signals';
import { PATTERN_WORDS, serviceName, shareWords } from '../../signals/words';
import { Rows } from '../../ui/page';
import { counted, Tag, Time } from '../../ui/signs';
import ui from '../../ui/ui.module.css';

/** What goes on comes first, and of that what concerns most. */
export const inOrder = (patterns: readonly PatternView[]): readonly PatternView[] =>
  patterns.toSorted((a, b) => rank(a) - rank(b) || b.shareOfAll - a.shareOfAll || b.since - a.since);

const rank = ({ state }: PatternView): number => (state === 'active' ? 0 : 1);

export const PatternRows = ({ patterns }: { readonly patterns: readonly PatternView[] }) => (
  <Rows label="Patterns">
    {patterns.map((one) => (
      <Row key={one.id} {...one} />
    ))}
  </Rows>
);

const MOST_NAMED = 3;

function Row({ id, name, state, begun, ended, sentence, scope, suspects, shareOfAll }: PatternView) {
  const services = [...new Set(scope.callees.map(serviceName))];
  return (
    <li>
      <Link href={`/patterns/${id}`} className={ui.row}>
        <div className={ui.rowMain}>
          <div className={ui.rowTitle}>{PATTERN_WORDS[name]}</div>
          <div className={ui.rowText}>{sentence}</div>
          <div className={ui.rowText}>
            {services.slice(0, MOST_NAMED).join(', ')}
            {services.length > MOST_NAMED && ` and ${services.length - MOST_NAMED} more`}, since <Time at={begun} />
            {ended && (
              <>
                , over <Time at={ended} />
              </>
            )}
            {suspects.length > 0 && `, ${counted(suspects.length, 'suspect')}`}
          </div>
        </div>
        <div className={ui.rowEnd}>
          <StateTag state={state} />
          <div className={ui.rowText}>{shareWords(shareOfAll)} of all failures</div>
        </div>
      </Link>
    </li>
  );
}

export const StateTag = ({ state }: Pick<PatternView, 'state'>) => (
  <Tag tone={state === 'active' ? 'bad' : 'idle'}>{state === 'active' ? 'goes on' : 'over'}</Tag>
);
