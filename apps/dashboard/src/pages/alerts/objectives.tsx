import { useQuery } from '@tanstack/react-query';
import { objectivesOf } from '../../api/alerts';
import type { BurnStatus, ObjectiveView } from '../../api/signals';
import { useMesh } from '../../session/session';
import { countWords } from '../../signals/words';
import { ResourceLink } from '../../ui/resource';
import { Tag } from '../../ui/signs';
import { Asked, Empty } from '../../ui/states';
import type { Tone } from '../../ui/tone';
import ui from '../../ui/ui.module.css';
import css from './objectives.module.css';

/** What is wanted, what is, how much of the error budget is left, and how fast it goes. */
export function Objectives() {
  const { name: mesh } = useMesh();
  const objectives = useQuery(objectivesOf(mesh));
  return (
    <Asked of={objectives}>
      {({ items }) =>
        items.length === 0 ? (
          <Empty title="No objective yet" command="heddle apply -f objective.yaml">
            A ServiceLevelObjective says how many of the requests to a service are to be answered well. The rest is its
            error budget; who burns it too fast is told.
          </Empty>
        ) : (
          <ul className={css.list} aria-label="Objectives">
            {items.toSorted(byBudget).map((one) => (
              <One key={`${one.namespace}/${one.name}`} {...one} />
            ))}
          </ul>
        )
      }
    </Asked>
  );
}

/** What has least left comes first; what is not known, last. */
const byBudget = (a: ObjectiveView, b: ObjectiveView): number => (a.budgetLeft ?? 2) - (b.budgetLeft ?? 2);

const share = (value: number | null, digits: number): string =>
  value === null ? 'not known' : `${(value * 100).toFixed(digits)} %`;

function toneOf({ budgetLeft }: ObjectiveView): Tone {
  if (budgetLeft === null) return 'idle';
  if (budgetLeft <= 0) return 'bad';
  return budgetLeft < 0.25 ? 'warn' : 'good';
}

function One(of: ObjectiveView) {
  const { namespace, name, target, indicator, objective, current, requests, periodDays, budgetLeft, windows, why } = of;
  const left = Math.min(1, Math.max(0, budgetLeft ?? 0));
  const tone = toneOf(of);
  return (
    <li className={css.objective}>
      <div className={css.head}>
        <span className={ui.rowTitle}>
          <ResourceLink of={{ kind: 'ServiceLevelObjective', namespace, name }} />
        </span>
        <Tag tone={tone}>{budgetLeft === null ? 'budget not known' : `${share(budgetLeft, 1)} of the budget left`}</Tag>
      </div>
      <div className={ui.rowText}>
        {Number((objective * 100).toFixed(4))} % of the requests to {target.kind} {target.name} {indicator}, over{' '}
        {periodDays} days:{' '}
        {current === null ? 'not known yet' : `${share(current, 3)} of ${countWords(requests)} requests`}
      </div>
      <div
        className={css.budget}
        role="img"
        aria-label={budgetLeft === null ? 'budget not known' : `${share(budgetLeft, 1)} of the error budget left`}
      >
        <span className={`${css.left} ${ui[tone]}`} style={{ width: `${(left * 100).toFixed(1)}%` }} />
      </div>
      <div className={ui.rowText}>How fast the budget goes; at 1 × it lasts the {periodDays} days exactly:</div>
      <ul className={css.windows} aria-label="Burn rates">
        {windows.map((one) => (
          <Burn key={`${one.longSeconds} ${one.shortSeconds}`} {...one} />
        ))}
      </ul>
      {why && <div className={ui.rowText}>{why}</div>}
    </li>
  );
}

const length = (seconds: number): string => {
  if (seconds % 86_400 === 0) return `${seconds / 86_400} d`;
  return seconds % 3_600 === 0 ? `${seconds / 3_600} h` : `${Math.round(seconds / 60)} min`;
};

const burn = (value: number | null): string => (value === null ? 'not known' : `${times(value)} ×`);

const times = (value: number): string => value.toFixed(value >= 100 ? 0 : 1);

/** Burns when both windows are beyond: the long one says that it matters, the short one that it is still so. */
function Burn({ longSeconds, shortSeconds, limit, severity, long, short }: BurnStatus) {
  const isBeyond = long !== null && short !== null && long > limit && short > limit;
  return (
    <li className={`${ui.chip} ${isBeyond ? css.beyond : ''}`}>
      {burn(long)} in {length(longSeconds)}, {burn(short)} in {length(shortSeconds)}; {severity} beyond {times(limit)} ×
    </li>
  );
}
