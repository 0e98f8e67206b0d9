import { Button } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Check, FastForward, Play, Undo2 } from 'lucide-react';
import { post } from '../../api/client';
import { useMesh } from '../../session/session';
import { Dialog } from '../../ui/dialog';
import { ProblemView } from '../../ui/states';
import css from '../../ui/ui.module.css';

type Act = 'promote' | 'resume' | 'revert' | 'confirm';

interface ActionsProps {
  /** `s-<number>` */
  readonly id: string;
  readonly state: string;
  readonly confirmLeft: number | undefined;
}

const ACTS: Readonly<Record<Act, { readonly title: string; readonly does: string; readonly icon: typeof Check }>> = {
  promote: {
    title: 'Give it to everybody',
    does: 'Every proxy is given this change now, without further waves.',
    icon: FastForward,
  },
  resume: { title: 'Go on', does: 'The trial goes on where it was held.', icon: Play },
  revert: { title: 'Take it back', does: 'Every proxy that has this change is given what it had before.', icon: Undo2 },
  confirm: { title: 'Confirm', does: 'The change stays. It is no longer taken back by itself.', icon: Check },
};

/** What can be done with a trial in this state. */
const possible = (state: string, confirmLeft: number | undefined): readonly Act[] => {
  if (state === 'queued') return ['revert'];
  if (state === 'canary') return ['promote', 'revert'];
  if (state === 'held') return ['resume', 'promote', 'revert'];
  if (state === 'watched') return confirmLeft === undefined ? ['revert'] : ['confirm', 'revert'];
  return [];
};

/** Decides about a change on trial; each act says first what it does. */
export function TrialActions({ id, state, confirmLeft }: ActionsProps) {
  const { mayPlan } = useMesh();
  const acts = possible(state, confirmLeft);
  if (!mayPlan || acts.length === 0) return null;
  return (
    <div className={css.actions}>
      {acts.map((act) => (
        <ActButton key={act} id={id} act={act} />
      ))}
    </div>
  );
}

function ActButton({ id, act }: { readonly id: string; readonly act: Act }) {
  const { name: mesh } = useMesh();
  const queries = useQueryClient();
  const [isOpen, { open, close }] = useDisclosure(false);
  const { title, does, icon: Icon } = ACTS[act];
  const doing = useMutation({
    mutationFn: () => post(`/api/v1/meshes/${mesh}/staged/${id}/${act}`),
    onSuccess: async () => {
      close();
      await queries.invalidateQueries({ queryKey: ['mesh', mesh] });
    },
  });
  const look = act === 'revert' ? { variant: 'default' } : act === 'resume' ? { variant: 'light' } : {};
  return (
    <>
      <Button size="xs" leftSection={<Icon size={14} />} onClick={open} {...look}>
        {title}
      </Button>
      <Dialog opened={isOpen} onClose={close} title={`${title}: ${id}`}>
        <p className={css.problemText}>{does}</p>
        {doing.error && <ProblemView error={doing.error} />}
        <div className={css.actions} style={{ marginTop: 18, justifyContent: 'flex-end' }}>
          <Button variant="default" onClick={close}>
            Leave it
          </Button>
          <Button
            loading={doing.isPending}
            onClick={() => doing.mutate()}
            {...(act === 'revert' ? { color: 'red.8' } : {})}
          >
            {title}
          </Button>
        </div>
      </Dialog>
    </>
  );
}
