import { Button, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Plus, SearchIcon } from 'lucide-react';
import { Link, useParams, useSearchParams } from 'wouter';
import { openApi, resourcesAt } from '../../api/queries';
import type { StoredManifest } from '../../api/types';
import { useMesh } from '../../session/session';
import { Labels } from '../../ui/labels';
import { Page, Panel } from '../../ui/page';
import { hrefOf } from '../../ui/resource';
import { counted, Mono, Tag, Time } from '../../ui/signs';
import { Asked, Empty } from '../../ui/states';
import { type Column, Name, Table } from '../../ui/table';
import ui from '../../ui/ui.module.css';
import { type Kind, kindsOf, listPath } from './kinds';

/** Every resource of one kind. */
export function ListPage() {
  const { kind: name } = useParams<{ kind: string }>();
  const { may } = useMesh();
  const description = useQuery(openApi());
  const kind = description.data && kindsOf(description.data).find((one) => one.kind === name);
  return (
    <Page
      title={name}
      lead={kind?.summary}
      crumbs={[{ text: 'Resources', href: '/resources' }]}
      actions={
        kind &&
        kind.kind !== 'Mesh' &&
        may(name) && (
          <Button component={Link} href={`/resources/${name}/new`} leftSection={<Plus size={15} />}>
            New {name}
          </Button>
        )
      }
    >
      <Asked of={description}>
        {() =>
          kind ? (
            <List kind={kind} />
          ) : (
            <Panel title="No such kind">
              <Empty title="There is no kind of this name" command="heddle get services" />
            </Panel>
          )
        }
      </Asked>
    </Page>
  );
}

const COLUMNS: readonly Column<StoredManifest>[] = [
  {
    head: 'Name',
    width: '4fr',
    cell: ({ kind, metadata: { name, namespace = '' } }) => (
      <Name href={hrefOf({ kind, namespace, name })} name={name} under={namespace || 'whole mesh'} />
    ),
  },
  { head: 'Labels', width: '4fr', wide: true, cell: ({ metadata }) => <Labels labels={metadata.labels ?? {}} /> },
  {
    head: 'Written',
    width: '150px',
    wide: true,
    cell: ({ metadata: { revision, updatedAt } }) => (
      <span className={ui.rowText}>
        <Mono>c-{revision}</Mono>, <Time at={updatedAt} />
      </span>
    ),
  },
  {
    head: 'State',
    width: '130px',
    atEnd: true,
    cell: ({ status }) => {
      const wrong = status.conditions.find((one) => one.status === 'False');
      return <Tag tone={wrong ? 'bad' : 'good'}>{wrong ? wrong.reason : 'in force'}</Tag>;
    },
  },
];

function List({ kind }: { readonly kind: Kind }) {
  const { name: mesh } = useMesh();
  const [params, setParams] = useSearchParams();
  const text = params.get('q') ?? '';
  const list = useQuery(resourcesAt(mesh, kind.plural, listPath(mesh, kind)));
  return (
    <Asked of={list}>
      {(all) => {
        const rows = all.filter(({ metadata }) => `${metadata.namespace ?? ''}/${metadata.name}`.includes(text));
        return (
          <Panel title={`All of kind ${kind.kind}`} note={counted(all.length, 'resource')} flush>
            {all.length === 0 ? (
              <Empty title={`No ${kind.kind} yet`} command={`heddle apply -f ${kind.kind.toLowerCase()}.yaml`}>
                {kind.summary}
              </Empty>
            ) : (
              <>
                <div className={ui.toolbar}>
                  <TextInput
                    aria-label="Filter by name"
                    placeholder="Filter by name"
                    leftSection={<SearchIcon size={15} />}
                    value={text}
                    onChange={(event) =>
                      setParams(event.currentTarget.value ? { q: event.currentTarget.value } : {}, { replace: true })
                    }
                  />
                </div>
                <Table
                  label={kind.kind}
                  columns={COLUMNS}
                  rows={rows}
                  keyOf={({ metadata }) => `${metadata.namespace}/${metadata.name}`}
                />
              </>
            )}
          </Panel>
        );
      }}
    </Asked>
  );
}
