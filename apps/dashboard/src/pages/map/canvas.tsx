import '@xyflow/react/dist/style.css';
import {
  Background,
  BaseEdge,
  Controls,
  type Edge,
  EdgeLabelRenderer,
  type EdgeProps,
  getBezierPath,
  Handle,
  MarkerType,
  type Node,
  type NodeProps,
  Position,
  ReactFlow,
  type ReactFlowInstance,
} from '@xyflow/react';
import { Lock, LockOpen } from 'lucide-react';
import { memo, type ReactNode, useEffect, useMemo, useState } from 'react';
import { Link } from 'wouter';
import { msWords, rateWords, shareWords } from '../../signals/words';
import type { Range } from '../../ui/range-of';
import type { Tone } from '../../ui/tone';
import ui from '../../ui/ui.module.css';
import { edgeHref } from '../edge/edge-href';
import { type MapEdge, type MapGraph, type MapNode, shapeOf, type Traffic } from './graph';
import css from './map.module.css';
import { NODE, placesOf } from './places';
import { nodeTone, shareOf, trafficTone } from './tones';

type DrawnNode = Node<{ readonly of: MapNode; readonly search: string }, 'place'>;
type DrawnEdge = Edge<{ readonly of: MapEdge; readonly search: string; readonly isSaid: boolean }, 'way'>;

interface CanvasProps {
  readonly graph: MapGraph;
  readonly range: Range;
  readonly scheme: 'light' | 'dark';
}

/** Where arrows end and begin. */
const HANDLES: NonNullable<Node['handles']> = [
  { type: 'target', position: Position.Left, x: 0, y: NODE.height / 2, width: 1, height: 1 },
  { type: 'source', position: Position.Right, x: NODE.width, y: NODE.height / 2, width: 1, height: 1 },
];

/** Labels of more edges than this would lie over each other: then only those that fail, or are open, have one. */
const SAID = 40;

const COLOURS: Readonly<Record<Tone, string>> = {
  ...{ good: 'var(--h-ink-3)', warn: 'var(--h-warn-fill)', bad: 'var(--h-bad-fill)' },
  ...{ idle: 'var(--h-line-strong)', accent: 'var(--h-accent)' },
};

/** Draws a graph. Numbers that change move nothing: places depend on what there is, not on how it fares. */
export function Canvas({ graph, range, scheme }: CanvasProps) {
  const shape = shapeOf(graph);
  // biome-ignore lint/correctness/useExhaustiveDependencies: a graph of the same shape has the same places
  const places = useMemo(() => placesOf(graph), [shape]);
  const { search } = range;
  const { take, onMoveStart } = useFit(shape);
  const nodes = useMemo(
    () =>
      graph.nodes.map(
        (of): DrawnNode => ({
          ...{ id: of.key, type: 'place', data: { of, search }, position: places.get(of.key) ?? { x: 0, y: 0 } },
          ...{ focusable: false, selectable: false, draggable: false, connectable: false },
          // Known, nothing has to be drawn to be measured: what is out of sight counts for what is all of it, too.
          ...{ width: NODE.width, height: NODE.height, measured: NODE, handles: HANDLES },
        }),
      ),
    [graph, places, search],
  );
  const edges = useMemo(() => {
    const isFew = graph.edges.filter(({ traffic }) => traffic !== undefined).length <= SAID;
    return graph.edges.map((of) => drawnEdge(of, { search, isFew }));
  }, [graph, search]);
  return (
    <div className={css.canvas}>
      <ReactFlow
        nodes={nodes}
        edges={edges}
        nodeTypes={NODE_TYPES}
        edgeTypes={EDGE_TYPES}
        colorMode={scheme}
        onInit={take}
        onMoveStart={onMoveStart}
        fitView
        fitViewOptions={FIT}
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

const FIT = { maxZoom: 1.1, padding: 0.12 };

/** All of it is in sight, also when there is more to see, until who looks has moved it. */
function useFit(shape: string) {
  const [flow, take] = useState<ReactFlowInstance<DrawnNode, DrawnEdge>>();
  const [isMoved, setMoved] = useState(false);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another shape has other bounds
  useEffect(() => {
    if (!isMoved) void flow?.fitView(FIT);
  }, [flow, shape]);
  const onMoveStart = (event: unknown): void => {
    if (event) setMoved(true);
  };
  return { take, onMoveStart };
}

/** Thicker where more goes: by the order of magnitude. Pixels. */
const widthOf = (traffic: Traffic | undefined): number =>
  traffic === undefined ? 1.2 : 1.4 + Math.min(2.6, Math.log10(1 + traffic.rate));

function drawnEdge(of: MapEdge, { search, isFew }: { readonly search: string; readonly isFew: boolean }): DrawnEdge {
  const tone = trafficTone(of.traffic);
  const isBad = tone === 'bad' || tone === 'warn' || of.security === 'plaintext';
  const colour = COLOURS[tone];
  return {
    ...{ id: `${of.from} ${of.to}`, type: 'way', source: of.from, target: of.to, focusable: false, selectable: false },
    data: { of, search, isSaid: of.traffic !== undefined && (isFew || isBad) },
    markerEnd: { type: MarkerType.ArrowClosed, width: 16, height: 16, color: colour },
    style: {
      ...{ stroke: colour, strokeWidth: widthOf(of.traffic) },
      ...(of.traffic === undefined ? { strokeDasharray: '5 5' } : {}),
    },
  };
}

/** A node is a link, so that keys and screen readers follow it as they follow every other. */
const Place = memo(({ data: { of, search } }: NodeProps<DrawnNode>) => {
  const href = hrefOf(of, search);
  const content = <Content of={of} />;
  return (
    <>
      <Handle type="target" position={Position.Left} className={css.handle ?? ''} isConnectable={false} />
      {href === undefined ? (
        <div className={css.node} data-state={of.isMissing ? 'missing' : nodeTone(of)}>
          {content}
        </div>
      ) : (
        <Link href={href} className={`${css.node} nodrag`} data-state={nodeTone(of)}>
          {content}
        </Link>
      )}
      <Handle type="source" position={Position.Right} className={css.handle ?? ''} isConnectable={false} />
    </>
  );
});

function hrefOf({ key, kind, isMissing }: MapNode, search: string): string | undefined {
  if (isMissing) return undefined;
  if (kind === 'service') return `/services/${key}?${search}`;
  if (kind === 'namespace') return `/map?namespace=${key}&${search}`;
  return kind === 'rest' ? '/map?view=list' : undefined;
}

function Content({ of }: { readonly of: MapNode }): ReactNode {
  const { title, under, total, ready, isMissing, kind, traffic } = of;
  const hasInstances = kind === 'service' || kind === 'namespace';
  return (
    <>
      <span className={css.title}>{title}</span>{' '}
      <span className={css.under}>
        <span>{under}</span>{' '}
        {hasInstances && (
          <span>
            {isMissing ? 'not there' : `${ready} of ${total}`}
            <span className="unseen"> instances</span>
            {!isMissing && ' ready'}
          </span>
        )}
      </span>{' '}
      <span className={css.under}>
        {traffic ? (
          <>
            <span>{rateWords(traffic.rate)}</span> <span>{shareWords(shareOf(traffic))} fail</span>
          </>
        ) : (
          <span>{hasInstances && !isMissing ? 'no requests' : ''}</span>
        )}
      </span>
    </>
  );
}

const Way = memo((props: EdgeProps<DrawnEdge>) => {
  const [path, x, y] = getBezierPath(props);
  const { data, markerEnd = '', style = {} } = props;
  return (
    <>
      <BaseEdge path={path} markerEnd={markerEnd} style={style} interactionWidth={0} />
      {data?.isSaid && data.of.traffic && (
        <EdgeLabelRenderer>
          <div
            className={`${css.way} nodrag nopan`}
            style={{ transform: `translate(-50%, -50%) translate(${Math.round(x)}px, ${Math.round(y)}px)` }}
          >
            <WayLabel of={data.of} traffic={data.of.traffic} search={data.search} />
          </div>
        </EdgeLabelRenderer>
      )}
    </>
  );
});

interface WayLabelProps {
  readonly of: MapEdge;
  readonly traffic: Traffic;
  readonly search: string;
}

function WayLabel({ of, traffic, search }: WayLabelProps) {
  const { from, to, caller, security } = of;
  const tone = trafficTone(traffic);
  const isClosed = security === 'mtls';
  const words = (
    <>
      {isClosed ? <Lock size={11} aria-hidden /> : <LockOpen size={11} aria-hidden className={css.openLock} />}
      <span className="unseen">{`${from} to ${to}, ${isClosed ? 'mutual TLS' : security}: `}</span>
      {rateWords(traffic.rate)}
      <span className={`${ui.value} ${tone === 'good' ? '' : ui[tone]}`}>{shareWords(shareOf(traffic))}</span>
      {traffic.p99 !== undefined && <span>{msWords(traffic.p99)}</span>}
    </>
  );
  return caller === undefined || caller === 'others' || !to.includes('/') ? (
    <span className={css.wayText}>{words}</span>
  ) : (
    <Link href={`${edgeHref(caller, to)}?${search}`} className={css.wayText}>
      {words}
    </Link>
  );
}

const NODE_TYPES = { place: Place };
const EDGE_TYPES = { way: Way };
