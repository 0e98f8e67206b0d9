import { Button, Checkbox, SegmentedControl } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useMutation } from '@tanstack/react-query';
import { Undo2 } from 'lucide-react';
import { useState } from 'react';
import { useLocation, useSearchParams } from 'wouter';
import { isProblem, post } from '../../api/client';
import type { Plan } from '../../api/types';
import { useMesh } from '../../session/session';
import { Dialog } from '../../ui/dialog';
import { ProblemView } from '../../ui/states';
import css from '../../ui/ui.module.css';

type Conflicts = 'refuse' | 'skip' | 'overwrite';

/** Plans the way back, and shows the plan: nothing is taken back before it was looked at. */
export function RollBack({ change }: { readonly change: string }) {
  const { name: mesh } = useMesh();
  const [, go] = useLocation();
  const [params] = useSearchParams();
  const [isOpen, { open, close }] = useDisclosure(params.has('revert'));
  const [conflicts, setConflicts] = useState<Conflicts>('refuse');
  const [includeSecurity, setSecurity] = useState(false);
  const planning = useMutation({
    mutationFn: () => post<Plan>(`/api/v1/meshes/${mesh}/plan`, { rollback: { change, conflicts }, includeSecurity }),
    onSuccess: ({ id }) => go(`/plans/${id}`),
  });
  const code = isProblem(planning.error) ? planning.error.code : '';
  return (
    <>
      <Button variant="default" leftSection={<Undo2 size={15} />} onClick={open}>
        Roll back
      </Button>
      <Dialog opened={isOpen} onClose={close} title={`Roll back ${change}`}>
        <p className={css.problemText}>
          A new change is planned that puts everything that {change} wrote back to how it was before. History only
          grows. You see what it does before it is applied.
        </p>
        {planning.error && <ProblemView error={planning.error} />}
        {(code === 'rollback-conflict' || conflicts !== 'refuse') && (
          <div style={{ marginTop: 14 }}>
            <p className={css.problemTitle}>What later changes wrote, too</p>
            <SegmentedControl
              aria-label="What later changes wrote, too"
              value={conflicts}
              onChange={(value) => setConflicts(value as Conflicts)}
              data={[
                { value: 'refuse', label: 'Stop there' },
                { value: 'skip', label: 'Leave it as it is' },
                { value: 'overwrite', label: 'Put it back, too' },
              ]}
            />
          </div>
        )}
        {(code === 'include-security' || includeSecurity) && (
          <Checkbox
            mt={14}
            label="Also what decides who may do what"
            checked={includeSecurity}
            onChange={(event) => setSecurity(event.currentTarget.checked)}
          />
        )}
        <div className={css.actions} style={{ marginTop: 20, justifyContent: 'flex-end' }}>
          <Button variant="default" onClick={close}>
            Leave it
          </Button>
          <Button loading={planning.isPending} onClick={() => planning.mutate()}>
            Show the plan
          </Button>
        </div>
      </Dialog>
    </>
  );
}
