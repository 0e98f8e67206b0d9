import { SegmentedControl, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { SearchIcon } from 'lucide-react';
import { useSearchParams } from 'wouter';
import { proxiesOf } from '../../api/queries';
import type { ProxyStatus } from '../../api/types';
import { useMesh } from '../../session/session';
import { Page, Panel } from '../../ui/page';
import { counted, Mono, Tag, Weave } from '../../ui/signs';
import { Asked, Empty } from '../../ui/states';
import { type Column, Name, Table } from '../../ui/table';
import type { Tone } from '../../ui/tone';
import css from '../../ui/ui.module.css';

export const refusedOf = ({ types }: ProxyStatus) =>
  types.flatMap(({ type, refused }) => refused.map((one) => ({ type, ...one })));
const behindOf = ({ types }: ProxyStatus): number => Math.max(0, ...types.map(({ behindMs }) => behindMs));

/** In one word how a proxy is. */
export function stateOf(proxy: ProxyStatus): { readonly tone: Tone; readonly words: string } {
  if (!proxy.connected) return { tone: 'bad', words: 'not connected' };
  if (refusedOf(proxy).length > 0) return { tone: 'bad', words: 'refuses' };
  if (behindOf(proxy) > 0) return { tone: 'warn', words: 'behind' };
  if (proxy.duplicate) return { tone: 'warn', words: 'seen twice' };
  return proxy.routable ? { tone: 'good', words: 'serves' } : { tone: 'warn', words: 'not ready' };
}

export const typeStrands = ({ types }: ProxyStatus) => [
  { tone: 'good' as const, count: types.filter(({ state }) => state === 'ACKED').length, what: 'up to date' },
  { tone: 'accent' as const, count: types.filter(({ state }) => state === 'PENDING').length, what: 'on the way' },
  { tone: 'bad' as const, count: types.filter(({ state }) => state === 'NACKED').length, what: 'refused' },
];

const COLUMNS: readonly Column<ProxyStatus>[] = [
  {
    head: 'Proxy',
    width: '4fr',
    cell: ({ namespace, instance }) => (
      <Name href={`/proxies/${namespace}/${instance}`} name={instance} under={namespace} />
    ),
  },
  { head: 'Workload', width: '3fr', wide: true, cell: ({ workload }) => <Mono>{workload}</Mono> },
  { head: 'Envoy', width: '90px', wide: true, cell: ({ envoyVersion }) => envoyVersion || '–' },
  { head: 'Types', width: '120px', wide: true, cell: (row) => <Weave strands={typeStrands(row)} /> },
  {
    head: 'State',
    width: '130px',
    atEnd: true,
    cell: (row) => <Tag tone={stateOf(row).tone}>{stateOf(row).words}</Tag>,
  },
];

const passes = (show: string, proxy: ProxyStatus): boolean => {
  if (show === 'refuses') return refusedOf(proxy).length > 0;
  if (show === 'behind') return behindOf(proxy) > 0;
  if (show === 'away') return !proxy.connected;
  return true;
};

/** Every proxy of the mesh, and whether it has what it should have. */
export function ProxiesPage() {
  const { name: mesh } = useMesh();
  const proxies = useQuery(proxiesOf(mesh));
  const [params, setParams] = useSearchParams();
  const text = params.get('q') ?? '';
  const show = params.get('show') ?? 'all';
  const set = (q: string, wanted: string): void =>
    setParams({ ...(q ? { q } : {}), ...(wanted === 'all' ? {} : { show: wanted }) }, { replace: true });
  return (
    <Page title="Proxies" lead="The Envoys of this mesh: which are connected, and which have the newest configuration.">
      <Asked of={proxies}>
        {(all) => {
          const wanted = text.toLowerCase();
          const rows = all.filter(
            (proxy) => `${proxy.namespace}/${proxy.instance} ${proxy.workload}`.includes(wanted) && passes(show, proxy),
          );
          return (
            <Panel title="All proxies" note={counted(all.length, 'proxy', 'proxies')} flush>
              {all.length === 0 ? (
                <Empty title="No proxy has joined yet" command="heddle proxy run --workload web -n shop">
                  A workload joins with a stock Envoy, a bootstrap file and a token; <Mono>heddle proxy bootstrap</Mono>{' '}
                  writes both.
                </Empty>
              ) : (
                <>
                  <div className={css.toolbar}>
                    <TextInput
                      aria-label="Filter proxies"
                      placeholder="Filter by name or workload"
                      leftSection={<SearchIcon size={15} />}
                      value={text}
                      onChange={(event) => set(event.currentTarget.value, show)}
                    />
                    <SegmentedControl
                      aria-label="Show"
                      value={show}
                      onChange={(value) => set(text, value)}
                      data={[
                        { value: 'all', label: 'All' },
                        { value: 'refuses', label: 'Refuse' },
                        { value: 'behind', label: 'Behind' },
                        { value: 'away', label: 'Away' },
                      ]}
                    />
                  </div>
                  {rows.length === 0 ? (
                    <Empty title="None of that sort">Which is good news, unless you were looking for it.</Empty>
                  ) : (
                    <Table
                      label="Proxies"
                      columns={COLUMNS}
                      rows={rows}
                      keyOf={({ namespace, instance }) => `${namespace}/${instance}`}
                    />
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
