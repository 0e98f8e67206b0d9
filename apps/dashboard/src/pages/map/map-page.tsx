import { SegmentedControl, Select, useComputedColorScheme } from '@mantine/core';
import { useMediaQuery } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import { lazy, Suspense, useMemo } from 'react';
import { Link, useSearchParams } from 'wouter';
import { viewOf } from '../../api/queries';
import type { ServiceMap } from '../../api/signals';
import { mapOf } from '../../api/telemetry';
import type { ServiceRow } from '../../api/views';
import { useMesh } from '../../session/session';
import { Page, Panel } from '../../ui/page';
import { RangePicker, useRange } from '../../ui/range';
import { type Range } from '../../ui/range-of';
import { counted } from '../../ui/signs';
import { Asked, Empty, Loading } from '../../ui/states';
import ui from '../../ui/ui.module.css';
import { EdgeList } from './edge-list';
import { fitted, type MapGraph, namespaceGraph, partOf, type Room, serviceGraph } from './graph';
import { Legend } from './legend';
import css from './map.module.css';

const Canvas = lazy(async () => ({ default: (await import('./canvas')).Canvas }));

const ROOM: Room = { nodes: 90, edges: 240 };

/** Who calls whom, as it is declared and as the traffic shows it, now. */
export function MapPage() {
  const { name: mesh } = useMesh();
  const [params] = useSearchParams();
  const range = useRange('15m');
  const services = useQuery(viewOf(mesh, 'services'));
  const map = useQuery(mapOf(mesh, params.get('namespace') ?? '', range));
  return (
    <Page
      title="Map"
      lead="Who calls whom: what services declare, and what their sidecars tell of the traffic. Callers are on the left."
    >
      <Asked of={services}>
        {({ items }) => (
          // Without rights to the traffic, or before it is known, there is what is declared.
          <Drawing services={items} map={map.data} isPending={map.isPending} range={range} />
        )}
      </Asked>
    </Page>
  );
}

interface DrawingProps {
  readonly services: readonly ServiceRow[];
  readonly map: ServiceMap | undefined;
  readonly isPending: boolean;
  readonly range: Range;
}

function Drawing({ services, map, isPending, range }: DrawingProps) {
  const [params, setParams] = useSearchParams();
  const [namespace, focus] = [params.get('namespace') ?? '', params.get('service') ?? ''];
  const isPhone = useMediaQuery('(max-width: 900px)') ?? false;
  const view = params.get('view') ?? (isPhone ? 'list' : 'map');
  const whole = useMemo(() => serviceGraph(services, map), [services, map]);
  const graph = useMemo(() => shownOf(whole, { namespace, focus }), [whole, namespace, focus]);
  const isWide = graph.nodes.some(({ kind }) => kind === 'namespace');
  const set = (name: string, value: string | null): void =>
    setParams((before) => {
      if (value === null) before.delete(name);
      else before.set(name, value);
      if (name === 'namespace') before.delete('service');
      return before;
    });
  const namespaces = [...new Set(services.map((one) => one.namespace))].sort();
  return (
    <Panel title={isWide ? 'Namespaces' : 'Services'} note={noteOf(graph, { isWide, map, services })} flush>
      <div className={ui.toolbar}>
        <Select
          size="xs"
          aria-label="Namespace"
          placeholder="Every namespace"
          clearable
          searchable
          data={namespaces}
          value={namespace === '' ? null : namespace}
          onChange={(chosen) => set('namespace', chosen)}
        />
        <RangePicker range={range} />
        <SegmentedControl
          size="xs"
          aria-label="As"
          value={view}
          onChange={(value) => set('view', value)}
          data={[
            { value: 'map', label: 'Map' },
            { value: 'list', label: 'List' },
          ]}
        />
      </div>
      {focus !== '' && (
        <p className={css.focus}>
          Only {focus} and its neighbours.{' '}
          <Link className={ui.link} href="/map">
            The whole map
          </Link>
        </p>
      )}
      {whole.nodes.length === 0 && !isPending ? (
        <Empty title="Nothing to draw yet" command="heddle apply -f service.yaml">
          Services appear here, with an arrow to each that they declare in <code>spec.dependencies</code>, and to each
          that they call as soon as their sidecars tell of it.
        </Empty>
      ) : isPending ? (
        <Loading />
      ) : view === 'list' ? (
        <EdgeList services={services} map={map} range={range} isMeant={meantOf({ namespace, focus })} />
      ) : (
        <Suspense fallback={<Loading />}>
          <Sheet graph={graph} range={range} key={`${namespace} ${focus}`} />
        </Suspense>
      )}
    </Panel>
  );
}

const Sheet = ({ graph, range }: { readonly graph: MapGraph; readonly range: Range }) => {
  const scheme = useComputedColorScheme('light');
  return (
    <>
      <Canvas graph={graph} range={range} scheme={scheme} />
      <Legend />
      <Said graph={graph} />
    </>
  );
};

interface Chosen {
  readonly namespace: string;
  readonly focus: string;
}

const meantOf =
  ({ namespace, focus }: Chosen) =>
  (key: string): boolean =>
    focus === '' ? namespace === '' || key.startsWith(`${namespace}/`) : key === focus;

/** Services, as long as there is room for them; else namespaces, until one is chosen. */
function shownOf(whole: MapGraph, chosen: Chosen): MapGraph {
  if (chosen.focus !== '' || chosen.namespace !== '') return fitted(partOf(whole, meantOf(chosen)), ROOM);
  return fitted(whole.nodes.length > ROOM.nodes ? namespaceGraph(whole) : whole, ROOM);
}

interface NoteOf extends Pick<DrawingProps, 'map' | 'services'> {
  readonly isWide: boolean;
}

function noteOf({ nodes, edges }: MapGraph, { isWide, map, services }: NoteOf): string {
  const left = nodes.find(({ kind }) => kind === 'rest')?.services ?? 0;
  const parts = [
    ...(left > 0 ? [`${nodes.length - 1} of ${nodes.length - 1 + left} drawn, the list has all`] : []),
    isWide
      ? `${counted(services.length, 'service')}: choose a namespace to see its own`
      : counted(edges.length, 'connection'),
    ...(map && map.more > 0 ? [`traffic of the busiest ${map.edges.length}, ${map.more} more in the namespaces`] : []),
    ...(map && map.hidden > 0 ? [`${map.hidden} that you may not see`] : []),
    ...(map?.incomplete ? ['some of it is missing'] : []),
  ];
  return parts.join('; ');
}

/** So many are read out; the list has all. */
const SAID = 100;

/** The same in words, for who cannot see the map. */
const Said = ({ graph }: { readonly graph: MapGraph }) => (
  <ul className="unseen" aria-label="Connections">
    {graph.edges.slice(0, SAID).map(({ from, to, traffic }) => (
      <li key={`${from} ${to}`}>{`${from} ${traffic ? 'calls' : 'declares to call'} ${to}`}</li>
    ))}
    {graph.edges.length > SAID && <li>{`${graph.edges.length - SAID} more: choose the list`}</li>}
  </ul>
);
