import { Button } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { Undo2 } from 'lucide-react';
import { useLocation } from 'wouter';
import { isProblem, post } from '../../api/client';
import type { Plan } from '../../api/types';
import { useMesh } from '../../session/session';

/**
 * One click to the plan that takes a change back. Where later changes or rights make it a question how, the page of the
 * change asks it. Nothing is taken back before its plan was looked at.
 */
export function PlanReversal({ change }: { readonly change: string }) {
  const { name: mesh, mayPlan } = useMesh();
  const [, go] = useLocation();
  const planning = useMutation({
    mutationFn: () => post<Plan>(`/api/v1/meshes/${mesh}/plan`, { rollback: { change, conflicts: 'refuse' } }),
    onSuccess: ({ id }) => go(`/plans/${id}`),
    onError: (error) => {
      if (isProblem(error)) go(`/changes/${change}?revert`);
    },
  });
  if (!mayPlan) return null;
  return (
    <Button
      size="compact-sm"
      variant="default"
      leftSection={<Undo2 size={13} aria-hidden />}
      loading={planning.isPending}
      onClick={() => planning.mutate()}
      aria-label={`Plan to take it back: ${change}`}
    >
      Plan to take it back
    </Button>
  );
}
