import { Link } from 'wouter';
import type { PatternView, Suspect } from '../../api/signals';
import { shareWords } from '../../signals/words';
import { Panel, Rows } from '../../ui/page';
import { Mono, Tag, Time } from '../../ui/signs';
import { Empty } from '../../ui/states';
import type { Tone } from '../../ui/tone';
import ui from '../../ui/ui.module.css';
import { PlanReversal } from '../change/plan-reversal';
import css from './patterns.module.css';

const KINDS: Readonly<Record<Suspect['kind'], readonly [Tone, string]>> = {
  change: ['accent', 'change'],
  release: ['accent', 'release'],
  rotation: ['idle', 'rotation'],
  churn: ['warn', 'instances'],
  refusal: ['bad', 'refusal'],
};

/** What may have brought it about, the likeliest first; what can be taken back has the plan of that one click away. */
export function Suspects({ of }: { readonly of: PatternView }) {
  const { suspects, hiddenSuspects } = of;
  const unexplained = Math.max(0, 1 - suspects.reduce((sum, { score }) => sum + score, 0));
  const note = hiddenSuspects > 0 ? `${hiddenSuspects} more that you may not see` : 'the likeliest first';
  return (
    <Panel title="What may have brought it about" note={suspects.length > 0 || hiddenSuspects > 0 ? note : ''} flush>
      {suspects.length === 0 ? (
        <Empty title="Nothing that the timeline shows">
          No change, release, rotation or refusal preceded it that would explain it. What happens outside of the mesh,
          such as a disk that is full, is not on the timeline.
        </Empty>
      ) : (
        <>
          <Rows label="Suspects">
            {suspects.map((suspect) => (
              <One key={`${suspect.kind} ${suspect.id}`} suspect={suspect} since={of.since} />
            ))}
          </Rows>
          <p className={css.rest}>
            {shareWords(unexplained)} of the suspicion falls on nothing that the timeline shows
            {hiddenSuspects > 0 && ', or on what you may not see'}.
          </p>
        </>
      )}
    </Panel>
  );
}

const isChange = ({ kind }: Suspect): boolean => kind === 'change' || kind === 'refusal';

function One({ suspect, since }: { readonly suspect: Suspect; readonly since: number }) {
  const { kind, id, title, at, score, why, reversible } = suspect;
  const [tone, word] = KINDS[kind];
  return (
    <li className={css.suspect}>
      <div className={css.score} role="img" aria-label={`${shareWords(score)} of the suspicion`}>
        <span className={css.bar} style={{ height: `${Math.round(score * 100)}%` }} />
      </div>
      <div className={ui.rowMain}>
        <div className={ui.rowTitle}>{title}</div>
        <div className={ui.rowText}>{why}</div>
        <div className={ui.rowText}>
          <Tag tone={tone}>{word}</Tag> {shareWords(score)}, <Time at={new Date(at).toISOString()} />
          {at <= since && `, ${Math.round((since - at) / 1_000)} s before it began`}{' '}
          {isChange(suspect) ? (
            <Link href={`/changes/${id}`} className={ui.link}>
              {id}
            </Link>
          ) : (
            <Mono>{id}</Mono>
          )}
        </div>
      </div>
      {isChange(suspect) && reversible && <PlanReversal change={id} />}
    </li>
  );
}
