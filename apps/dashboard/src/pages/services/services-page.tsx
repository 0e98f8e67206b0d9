import { SegmentedControl, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { SearchIcon } from 'lucide-react';
import { useDeferredValue } from 'react';
import { useSearchParams } from 'wouter';
import { viewOf } from '../../api/queries';
import type { ServiceRow } from '../../api/views';
import { useMesh } from '../../session/session';
import { Page, Panel } from '../../ui/page';
import { counted, Mono, Time, Weave } from '../../ui/signs';
import { Asked, Empty } from '../../ui/states';
import { type Column, Name, Table } from '../../ui/table';
import css from '../../ui/ui.module.css';

export const keyOf = ({ namespace, name }: { readonly namespace: string; readonly name: string }): string =>
  `${namespace}/${name}`;

export const instanceStrands = ({ total, ready }: Pick<ServiceRow, 'total' | 'ready'>) => [
  { tone: 'good' as const, count: ready, what: 'ready' },
  { tone: 'warn' as const, count: total - ready, what: 'not ready' },
];

export const SERVICE_COLUMNS: readonly Column<ServiceRow>[] = [
  {
    head: 'Service',
    width: '5fr',
    cell: (row) => <Name href={`/services/${keyOf(row)}`} name={row.name} under={row.namespace} />,
  },
  {
    head: 'Ports',
    width: '4fr',
    wide: true,
    cell: ({ ports }) => (
      <span className={css.chips}>
        {ports.map(({ port, protocol }) => (
          <span key={port} className={css.chip}>{`${port} ${protocol}`}</span>
        ))}
      </span>
    ),
  },
  {
    head: 'Instances',
    width: '160px',
    cell: (row) => (
      <span style={{ display: 'grid', gap: 4, minWidth: 84 }}>
        <Weave strands={instanceStrands(row)} />
        <span className={css.rowText}>{row.total === 0 ? 'none' : `${row.ready} of ${row.total} ready`}</span>
      </span>
    ),
  },
  {
    head: 'Calls',
    width: '90px',
    atEnd: true,
    wide: true,
    cell: ({ dependencies }) => (dependencies.length === 0 ? '–' : dependencies.length),
  },
  { head: 'Written', width: '110px', atEnd: true, wide: true, cell: ({ updatedAt }) => <Time at={updatedAt} /> },
];

type Filter = 'all' | 'mine' | 'unready';

const passes = (filter: string, row: ServiceRow): boolean =>
  filter === 'mine' ? row.mine : filter === 'unready' ? row.ready < row.total || row.total === 0 : true;

/** Every service of the mesh. */
export function ServicesPage() {
  const { name: mesh, may } = useMesh();
  const services = useQuery(viewOf(mesh, 'services'));
  const [params, setParams] = useSearchParams();
  const text = params.get('q') ?? '';
  const filter = params.get('show') ?? 'all';
  const wanted = useDeferredValue(text.toLowerCase());
  const set = (name: string, value: string): void =>
    setParams(
      (before) => {
        if (value === '' || value === 'all') before.delete(name);
        else before.set(name, value);
        return before;
      },
      { replace: true },
    );
  return (
    <Page title="Services" lead="What is called in this mesh, by name and port, and which instances serve it.">
      <Asked of={services}>
        {({ items }) => {
          const rows = items.filter((row) => keyOf(row).includes(wanted) && passes(filter, row));
          return (
            <Panel title="All services" note={counted(items.length, 'service')} flush>
              {items.length === 0 ? (
                <Empty title="No service yet" command="heddle apply -f service.yaml">
                  A Service gives a name and ports to the instances of a workload. Callers use the name; the mesh does
                  the rest.
                </Empty>
              ) : (
                <>
                  <div className={css.toolbar}>
                    <TextInput
                      aria-label="Filter services by name"
                      placeholder="Filter by name"
                      leftSection={<SearchIcon size={15} />}
                      value={text}
                      onChange={(event) => set('q', event.currentTarget.value)}
                    />
                    <SegmentedControl
                      aria-label="Show"
                      value={filter}
                      onChange={(value) => set('show', value as Filter)}
                      data={[
                        { value: 'all', label: 'All' },
                        ...(may('Service') ? [{ value: 'mine', label: 'Mine' }] : []),
                        { value: 'unready', label: 'Not ready' },
                      ]}
                    />
                  </div>
                  {rows.length === 0 ? (
                    <Empty title="Nothing by that name">
                      No service that you may read matches <Mono>{text || filter}</Mono>.
                    </Empty>
                  ) : (
                    <Table label="Services" columns={SERVICE_COLUMNS} rows={rows} keyOf={keyOf} />
                  )}
                </>
              )}
            </Panel>
          );
        }}
      </Asked>
    </Page>
  );
}
