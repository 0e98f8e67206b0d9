import { useQuery } from '@tanstack/react-query';
import { useParams } from 'wouter';
import { planOf } from '../../api/queries';
import { useMesh } from '../../session/session';
import { Page } from '../../ui/page';
import { Time } from '../../ui/signs';
import { Asked } from '../../ui/states';
import { ApplyBar } from './apply-bar';
import { PlanView } from './plan-view';

/** A plan that is kept: whoever has its address can look at it, and apply it if he may. */
export function PlanPage() {
  const { name: mesh, mayPlan } = useMesh();
  const { plan: id } = useParams<{ plan: string }>();
  const plan = useQuery(planOf(mesh, id));
  return (
    <Page
      title={plan.data?.reverts ? `Roll back ${plan.data.reverts}` : 'Plan'}
      crumbs={[{ text: 'Changes', href: '/changes' }]}
      lead={
        plan.data && (
          <>
            Nothing is written yet. {plan.data.actor} made it on revision {plan.data.revision}; it can be applied until
            one of its inputs has changed, and ends <Time at={plan.data.expiresAt} />.
          </>
        )
      }
    >
      <Asked of={plan}>
        {(data) => (
          <>
            {mayPlan && data.intent.some(({ op }) => op !== 'unchanged') && <ApplyBar plan={data} />}
            <PlanView plan={data} />
          </>
        )}
      </Asked>
    </Page>
  );
}
