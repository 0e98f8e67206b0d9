import '@xyflow/react/dist/style.css';
import { Select, useComputedColorScheme } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import {
  Background,
  Controls,
  type Edge,
  Handle,
  MarkerType,
  type Node,
  type NodeProps,
  Position,
  ReactFlow,
} from '@xyflow/react';
import { useMemo } from 'react';
import { Link, useSearchParams } from 'wouter';
import { viewOf } from '../../api/queries';
import type { ServiceRow } from '../../api/views';
import { useMesh } from '../../session/session';
import { Page, Panel } from '../../ui/page';
import { counted } from '../../ui/signs';
import { Asked, Empty } from '../../ui/states';
import ui from '../../ui/ui.module.css';
import { type MapGraph, type MapNode, namespaceGraph, placesOf, serviceGraph } from './graph';
import css from './map.module.css';

/** So many services can be taken in at once. */
const AT_ONCE = 90;

/** Which services declare to call which. */
export function MapPage() {
  const { name: mesh } = useMesh();
  const services = useQuery(viewOf(mesh, 'services'));
  return (
    <Page title="Map" lead="Services and what they declare to call. Callers are on the left.">
      <Asked of={services}>{({ items }) => <Drawing services={items} />}</Asked>
    </Page>
  );
}

function Drawing({ services }: { readonly services: readonly ServiceRow[] }) {
  const [params, setParams] = useSearchParams();
  const namespace = params.get('namespace') ?? '';
  const namespaces = [...new Set(services.map((one) => one.namespace))].sort();
  const isWide = namespace === '' && services.length > AT_ONCE;
  const graph = useMemo(
    () => (isWide ? namespaceGraph(services) : serviceGraph(services, namespace)),
    [services, namespace, isWide],
  );
  return (
    <Panel
      title={isWide ? 'Namespaces' : 'Services'}
      note={
        isWide
          ? `${counted(services.length, 'service')}: choose a namespace to see its own`
          : counted(graph.edges.length, 'dependency', 'dependencies')
      }
      end={
        <Select
          size="xs"
          aria-label="Namespace"
          placeholder="Every namespace"
          clearable
          searchable
          data={namespaces}
          value={namespace === '' ? null : namespace}
          onChange={(chosen) => setParams(chosen === null ? {} : { namespace: chosen })}
        />
      }
      flush
    >
      {services.length === 0 ? (
        <Empty title="Nothing to draw yet" command="heddle apply -f service.yaml">
          Services appear here, with an arrow to each that they declare in <code>spec.dependencies</code>.
        </Empty>
      ) : (
        <>
          <Canvas graph={graph} key={namespace} />
          <div className={ui.panelBody}>
            <Legend />
          </div>
          <Arrows graph={graph} />
        </>
      )}
    </Panel>
  );
}

const Legend = () => (
  <div className={css.legend}>
    {(['good', 'warn', 'bad', 'idle'] as const).map((tone, i) => (
      <span key={tone}>
        <span className={`${ui.dot} ${ui[tone]}`} aria-hidden />
        {['all instances ready', 'some are not', 'none is', 'has no instances'][i]}
      </span>
    ))}
  </div>
);

type Drawn = Node<{ readonly of: MapNode }, 'place'>;

const stateOf = ({ total, ready, isMissing }: MapNode): string => {
  if (isMissing) return 'missing';
  if (total === 0) return 'empty';
  return ready === total ? 'all' : ready === 0 ? 'none' : 'some';
};

/** A node is a link, so that keys and screen readers follow it as they follow every other. */
function Place({ data: { of } }: NodeProps<Drawn>) {
  const { key, title, under, total, ready, isMissing } = of;
  const content = (
    <>
      <span className={css.title}>{title}</span>
      <span className={css.under}>
        <span>{under}</span>
        <span>
          {isMissing ? 'not there' : `${ready} of ${total}`}
          <span className="unseen"> instances ready</span>
        </span>
      </span>
    </>
  );
  return (
    <>
      <Handle type="target" position={Position.Left} className={css.handle ?? ''} isConnectable={false} />
      {isMissing ? (
        <div className={css.node} data-state="missing">
          {content}
        </div>
      ) : (
        <Link
          href={key.includes('/') ? `/services/${key}` : `/map?namespace=${key}`}
          className={`${css.node} nodrag`}
          data-state={stateOf(of)}
        >
          {content}
        </Link>
      )}
      <Handle type="source" position={Position.Right} className={css.handle ?? ''} isConnectable={false} />
    </>
  );
}

const NODE_TYPES = { place: Place };

function Canvas({ graph }: { readonly graph: MapGraph }) {
  const scheme = useComputedColorScheme('light');
  const places = useMemo(() => placesOf(graph), [graph]);
  const nodes = graph.nodes.map(
    (of): Drawn => ({
      ...{ id: of.key, type: 'place', data: { of }, position: places.get(of.key) ?? { x: 0, y: 0 } },
      ...{ focusable: false, selectable: false, draggable: false, connectable: false },
    }),
  );
  const edges = graph.edges.map(
    ({ from, to }): Edge => ({
      ...{ id: `${from} ${to}`, source: from, target: to, focusable: false, selectable: false },
      markerEnd: { type: MarkerType.ArrowClosed, width: 18, height: 18, color: 'var(--h-ink-3)' },
      style: { stroke: 'var(--h-ink-3)', strokeWidth: 1.4 },
    }),
  );
  return (
    <div className={css.canvas}>
      <ReactFlow
        nodes={nodes}
        edges={edges}
        nodeTypes={NODE_TYPES}
        colorMode={scheme}
        fitView
        fitViewOptions={{ maxZoom: 1.1, padding: 0.12 }}
        minZoom={0.1}
        preventScrolling={false}
        nodesDraggable={false}
        nodesConnectable={false}
        nodesFocusable={false}
        edgesFocusable={false}
        elementsSelectable={false}
        onlyRenderVisibleElements
        aria-label="Map of services"
      >
        <Background color="var(--h-line-strong)" gap={22} />
        <Controls showInteractive={false} />
      </ReactFlow>
    </div>
  );
}

/** The same in words: for who cannot see the map, and for who wants to search it. */
const Arrows = ({ graph }: { readonly graph: MapGraph }) => (
  <ul className="unseen" aria-label="Dependencies">
    {graph.edges.slice(0, 500).map(({ from, to }) => (
      <li key={`${from} ${to}`}>{`${from} calls ${to}`}</li>
    ))}
  </ul>
);
