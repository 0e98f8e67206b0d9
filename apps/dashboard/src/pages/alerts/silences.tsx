import { Button } from '@mantine/core';
import { type UseQueryResult, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { BellRing } from 'lucide-react';
import { send } from '../../api/client';
import { viewOf } from '../../api/queries';
import type { AlertView, Silence } from '../../api/signals';
import type { SilenceRights } from '../../api/views';
import { useMesh } from '../../session/session';
import { Rows } from '../../ui/page';
import { Mono, Time } from '../../ui/signs';
import { Asked, Empty, ProblemView } from '../../ui/states';
import ui from '../../ui/ui.module.css';
import { AlertRows } from './alert-rows';

/** Whether the reader may silence alerts of a namespace, and end that. @param namespace '' = of the whole mesh */
export const maySilence = (rights: SilenceRights | undefined, namespace: string): boolean =>
  rights !== undefined && (rights.everywhere || (namespace !== '' && rights.namespaces.includes(namespace)));

interface SilencesProps {
  readonly silenced: readonly AlertView[];
  readonly silences: UseQueryResult<{ readonly items: readonly Silence[] }, unknown>;
}

/** What fires and nobody is told of, and why. */
export function Silences({ silenced, silences }: SilencesProps) {
  return (
    <Asked of={silences}>
      {({ items }) =>
        items.length === 0 ? (
          <Empty title="No silence is in force" command="heddle alerts silence AlertName --for 2h --reason why -n shop">
            Who knows of an alert and does not want to be told of it again silences it, for a while and with a reason.
          </Empty>
        ) : (
          <>
            <Rows label="Silences">
              {items.map((one) => (
                <SilenceRow key={one.id} silence={one} />
              ))}
            </Rows>
            {silenced.length > 0 && <AlertRows label="Silenced alerts" alerts={silenced} />}
          </>
        )
      }
    </Asked>
  );
}

/** One silence, with what ends it. */
export function SilenceRow({ silence }: { readonly silence: Silence }) {
  const { name: mesh } = useMesh();
  const rights = useQuery(viewOf(mesh, 'silencing'));
  const queries = useQueryClient();
  const { id, namespace, matchers, reason, author, endsAt } = silence;
  const ending = useMutation({
    mutationFn: () => send('DELETE', `/api/v1/meshes/${mesh}/silences/${id}`),
    onSettled: () => queries.invalidateQueries({ queryKey: ['mesh', mesh] }),
  });
  return (
    <li>
      <div className={ui.row}>
        <div className={ui.rowMain}>
          <div className={ui.rowTitle}>{reason}</div>
          <div className={ui.rowText}>
            {author}, {namespace === '' ? 'of the whole mesh' : `in ${namespace}`}, ends <Time at={endsAt} />
          </div>
          <div className={ui.rowText}>
            <Mono>{matchers.length === 0 ? 'every alert' : matchers.join(', ')}</Mono>
          </div>
          {ending.error && <ProblemView error={ending.error} />}
        </div>
        {maySilence(rights.data, namespace) && (
          <Button
            size="compact-sm"
            variant="default"
            leftSection={<BellRing size={13} aria-hidden />}
            loading={ending.isPending}
            onClick={() => ending.mutate()}
            aria-label={`End it: ${reason}`}
          >
            End it
          </Button>
        )}
      </div>
    </li>
  );
}
