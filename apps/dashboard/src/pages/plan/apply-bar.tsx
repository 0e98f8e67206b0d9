import { Button, NumberInput, Select, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useLocation } from 'wouter';
import { isProblem, post } from '../../api/client';
import type { Outcome, Plan } from '../../api/types';
import { useMesh } from '../../session/session';
import { Panel } from '../../ui/page';
import { ProblemView } from '../../ui/states';
import css from './plan.module.css';

type Way = 'all' | 'waves' | 'confirm';

const WAYS: readonly { readonly value: Way; readonly label: string }[] = [
  { value: 'all', label: 'Everybody at once, for good' },
  { value: 'waves', label: 'Some proxies first, then more' },
  { value: 'confirm', label: 'Everybody, taken back unless confirmed' },
];

interface Choice {
  readonly way: Way;
  readonly waves: string;
  readonly minutes: number;
}

/** `5, 25` as numbers; undefined = not rising shares between 0 and 100. */
function wavesOf(text: string): readonly number[] | undefined {
  const shares = text.split(',').map((part) => Number(part.replace('%', '')));
  const isRising = shares.every((share, i) => share > (shares[i - 1] ?? 0) && share < 100);
  return isRising ? shares : undefined;
}

const trialOf = ({ way, waves, minutes }: Choice): object | undefined =>
  way === 'all' ? undefined : way === 'waves' ? { canary: wavesOf(waves) } : { confirmWithinSeconds: minutes * 60 };

/** How the plan is carried out, and the button that does it. */
export function ApplyBar({ plan }: { readonly plan: Plan }) {
  const { name: mesh } = useMesh();
  const queries = useQueryClient();
  const [, go] = useLocation();
  const [choice, setChoice] = useState<Choice>({ way: 'all', waves: '10, 50', minutes: 10 });
  const set = (more: Partial<Choice>): void => setChoice({ ...choice, ...more });
  const applying = useMutation({
    mutationFn: () => {
      const trial = trialOf(choice);
      return post<Outcome>(
        `/api/v1/meshes/${mesh}/apply`,
        { plan: plan.id, ...(trial ? { trial } : {}) },
        // Sent twice, it is done once.
        { 'Idempotency-Key': `dashboard-${plan.id}-${choice.way}` },
      );
    },
    onSuccess: async ({ change }) => {
      await queries.invalidateQueries({ queryKey: ['mesh', mesh] });
      go(change === '' ? '/changes' : `/changes/${change}`);
    },
  });
  const isWrong = choice.way === 'waves' && wavesOf(choice.waves) === undefined;
  const isStale = isProblem(applying.error) && ['plan-stale', 'plan-expired'].includes(applying.error.code);
  return (
    <Panel title="Apply it" note={plan.message}>
      <div className={css.apply}>
        <Select
          label="How"
          data={[...WAYS]}
          value={choice.way}
          allowDeselect={false}
          onChange={(way) => set({ way: (way ?? 'all') as Way })}
        />
        {choice.way === 'waves' && (
          <TextInput
            label="Waves, in percent of the proxies"
            value={choice.waves}
            error={isWrong ? 'Rising shares above 0 and below 100, such as 5, 25' : undefined}
            onChange={(event) => set({ waves: event.currentTarget.value })}
          />
        )}
        {choice.way === 'confirm' && (
          <NumberInput
            label="Minutes until it is taken back"
            min={1}
            max={10_000}
            value={choice.minutes}
            onChange={(minutes) => set({ minutes: Number(minutes) || 1 })}
          />
        )}
        <Button
          loading={applying.isPending}
          disabled={isWrong || isStale}
          onClick={() => applying.mutate()}
          className={css.go ?? ''}
        >
          Apply this plan
        </Button>
      </div>
      {applying.error && (
        <div className={css.problem}>
          <ProblemView error={applying.error} />
        </div>
      )}
    </Panel>
  );
}
