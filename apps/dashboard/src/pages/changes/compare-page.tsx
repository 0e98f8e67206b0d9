import { useQuery } from '@tanstack/react-query';
import { Link, useParams } from 'wouter';
import { get } from '../../api/client';
import type { FieldChange, ResourceId } from '../../api/types';
import { useMesh } from '../../session/session';
import { DocumentDiff, Fields } from '../../ui/diff';
import { Fold } from '../../ui/fold';
import { Page, Panel } from '../../ui/page';
import { idOf, ResourceLink } from '../../ui/resource';
import { counted, Mono, Tag } from '../../ui/signs';
import { Asked, Empty } from '../../ui/states';
import css from '../../ui/ui.module.css';

interface Difference extends ResourceId {
  readonly op: 'create' | 'update' | 'delete';
  readonly fields: readonly FieldChange[];
  readonly manifest?: unknown;
  readonly changes: readonly { readonly change: string; readonly actor: string }[];
}

/** What differs between how the mesh was after two revisions. */
export function ComparePage() {
  const { name: mesh } = useMesh();
  const { from, to } = useParams<{ from: string; to: string }>();
  const differences = useQuery({
    queryKey: ['differences', mesh, from, to],
    queryFn: ({ signal }) =>
      get<{ items: readonly Difference[]; hidden: number }>(
        `/api/v1/meshes/${mesh}/diff?from=${from}&to=${to}`,
        signal,
      ),
    staleTime: Number.POSITIVE_INFINITY,
  });
  return (
    <Page
      title={`From c-${from} to c-${to}`}
      crumbs={[{ text: 'Changes', href: '/changes' }]}
      lead="What was written otherwise after the second than after the first, whoever did it in between."
    >
      <Asked of={differences}>
        {({ items, hidden }) => (
          <Panel
            title="Differences"
            note={hidden > 0 ? `and ${hidden} that you may not see` : counted(items.length, 'resource')}
            flush
          >
            {items.length === 0 ? (
              <Empty title="The same">Everything that you may read was as it is after the first.</Empty>
            ) : (
              items.map(({ op, fields, manifest, changes, ...id }) => (
                <Fold
                  key={`${id.kind}${id.namespace}${id.name}`}
                  title={<Mono>{idOf(id)}</Mono>}
                  end={<Tag tone={op === 'delete' ? 'bad' : op === 'create' ? 'good' : 'accent'}>{op}d</Tag>}
                  isOpen
                >
                  <p className={css.rowText}>
                    <ResourceLink of={id} />, written by{' '}
                    {changes.map(({ change, actor }) => (
                      <span key={change}>
                        {actor} in <Link href={`/changes/${change}`}>{change}</Link>{' '}
                      </span>
                    ))}
                  </p>
                  {op === 'update' ? (
                    <Fields fields={fields} />
                  ) : (
                    <DocumentDiff
                      before={op === 'delete' ? manifest : undefined}
                      after={op === 'create' ? manifest : undefined}
                    />
                  )}
                </Fold>
              ))
            )}
          </Panel>
        )}
      </Asked>
    </Page>
  );
}
