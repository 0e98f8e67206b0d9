import type { ServiceMap } from '../../api/signals';
import type { ServiceRow } from '../../api/views';
import { signalColumns } from '../../signals/columns';
import { callerWords } from '../../signals/words';
import type { Range } from '../../ui/range-of';
import { Tag } from '../../ui/signs';
import { Empty } from '../../ui/states';
import { type Column, Name, Table } from '../../ui/table';
import type { Tone } from '../../ui/tone';
import { edgeHref } from '../edge/edge-href';
import { type Security, securityOf } from './graph';

type SeenEdge = ServiceMap['edges'][number];

interface Listed {
  readonly from: string;
  readonly to: string;
  readonly protocol: string;
  /** undefined = declared, and not used. */
  readonly seen: SeenEdge | undefined;
}

interface EdgeListProps {
  readonly services: readonly ServiceRow[];
  readonly map: ServiceMap | undefined;
  readonly range: Range;
  readonly isMeant: (key: string) => boolean;
}

/** The map in words: who calls whom, the worst first. */
export function EdgeList({ services, map, range, isMeant }: EdgeListProps) {
  const rows = rowsOf(services, map).filter(({ from, to }) => isMeant(from) || isMeant(to));
  if (rows.length === 0)
    return (
      <Empty title="Nobody calls anybody" command="heddle map">
        No service declares to call another one, and no sidecar told of a request in this time.
      </Empty>
    );
  return <Table label="Connections" columns={columns(range)} rows={rows} keyOf={({ from, to }) => `${from} ${to}`} />;
}

const rank = ({ seen }: Listed): number => (seen ? seen.failures * 1e6 + seen.rate : -1);

export function rowsOf(services: readonly ServiceRow[], map: ServiceMap | undefined): readonly Listed[] {
  const protocols = new Map(
    services.map(({ namespace, name, ports }) => [
      `${namespace}/${name}`,
      [...new Set(ports.map(({ protocol }) => protocol))].join(', '),
    ]),
  );
  const protocolOf = (service: string): string => protocols.get(service) ?? '';
  const seen = (map?.edges ?? []).map(
    (edge): Listed => ({ from: edge.caller, to: edge.callee, protocol: protocolOf(edge.callee), seen: edge }),
  );
  // A service calls by the workloads that answer for it.
  const used = new Set(
    (map?.edges ?? []).flatMap(({ caller, callee }) => [
      `${caller} ${callee}`,
      ...(map?.serves ?? []).filter(({ workload }) => workload === caller).map(({ service }) => `${service} ${callee}`),
    ]),
  );
  const declared = services.flatMap(({ namespace, name, dependencies }) =>
    dependencies
      .filter((to) => !used.has(`${namespace}/${name} ${to}`))
      .map((to): Listed => ({ from: `${namespace}/${name}`, to, protocol: protocolOf(to), seen: undefined })),
  );
  return [...seen, ...declared].toSorted((a, b) => rank(b) - rank(a));
}

const SECURITY: Readonly<Record<Security, readonly [Tone, string]>> = {
  mtls: ['good', 'mutual TLS'],
  plaintext: ['bad', 'plaintext'],
  unknown: ['warn', 'no identity'],
};

const columns = (range: Range): readonly Column<Listed>[] => [
  {
    head: 'From and to',
    width: '5fr',
    cell: ({ from, to, seen }) =>
      seen && from !== 'others' && to !== 'others' ? (
        <Name href={`${edgeHref(from, to)}?${range.search}`} name={callerWords(from)} under={`to ${to}`} />
      ) : (
        <>
          {callerWords(from)} to {callerWords(to)}
        </>
      ),
  },
  { head: 'Protocol', width: '90px', wide: true, cell: ({ protocol }) => protocol || '–' },
  {
    head: 'Security',
    width: '130px',
    wide: true,
    cell: ({ seen }) => {
      if (seen === undefined) return <Tag tone="idle">declared only</Tag>;
      const [tone, words] = SECURITY[securityOf(seen)];
      return <Tag tone={tone}>{words}</Tag>;
    },
  },
  ...signalColumns<Listed>(({ seen }) => seen),
];
