/** The mesh as nodes and edges, laid out. What is drawn knows nothing of where they come from. */
import { Graph, layout } from '@dagrejs/dagre';
import type { ServiceRow } from '../../api/views';

export interface MapNode {
  /** `<namespace>/<name>`, or the namespace where a node stands for all of one. */
  readonly key: string;
  readonly title: string;
  readonly under: string;
  readonly total: number;
  readonly ready: number;
  /** Services that it stands for. */
  readonly services: number;
  /** Named by a dependency, but not there, or not for the reader. */
  readonly isMissing: boolean;
}

export interface MapEdge {
  readonly from: string;
  readonly to: string;
}

export interface MapGraph {
  readonly nodes: readonly MapNode[];
  readonly edges: readonly MapEdge[];
}

export const NODE = { width: 196, height: 76 } as const;

const keyOf = ({ namespace, name }: Pick<ServiceRow, 'namespace' | 'name'>): string => `${namespace}/${name}`;

/** Services and what they declare to call. @param namespace only its services, and their neighbours; '' = all */
export function serviceGraph(services: readonly ServiceRow[], namespace: string): MapGraph {
  const edges = services.flatMap((from) => from.dependencies.map((to) => ({ from: keyOf(from), to })));
  const isOf = (key: string): boolean => namespace === '' || key.startsWith(`${namespace}/`);
  const shown = edges.filter(({ from, to }) => isOf(from) || isOf(to));
  const keys = new Set([...services.map(keyOf).filter(isOf), ...shown.flatMap(({ from, to }) => [from, to])]);
  const known = new Map(services.map((service) => [keyOf(service), service]));
  const nodes = [...keys].map((key): MapNode => {
    const service = known.get(key);
    const [under = '', title = key] = key.split('/');
    const { total = 0, ready = 0 } = service ?? {};
    return { key, title, under, total, ready, services: 1, isMissing: service === undefined };
  });
  return { nodes, edges: shown };
}

/** Namespaces, and which of them call which: for meshes whose services nobody could take in at once. */
export function namespaceGraph(services: readonly ServiceRow[]): MapGraph {
  const groups = Map.groupBy(services, ({ namespace }) => namespace);
  const nodes = [...groups].map(
    ([namespace, list]): MapNode => ({
      ...{ key: namespace, title: namespace, under: `${list.length} services`, services: list.length },
      total: list.reduce((sum, { total }) => sum + total, 0),
      ready: list.reduce((sum, { ready }) => sum + ready, 0),
      isMissing: false,
    }),
  );
  const pairs = new Set(
    services.flatMap(({ namespace, dependencies }) =>
      dependencies
        .map((to) => `${namespace} ${to.split('/')[0]}`)
        .filter((pair) => new Set(pair.split(' ')).size === 2),
    ),
  );
  const edges = [...pairs].map((pair) => ({ from: pair.split(' ')[0] ?? '', to: pair.split(' ')[1] ?? '' }));
  return { nodes, edges: edges.filter(({ to }) => groups.has(to)) };
}

interface Place {
  readonly x: number;
  readonly y: number;
}

const GAP = 26;
/** Of those that have no arrow. */
const COLUMNS = 5;

/** Callers left, callees right; below them, in rows, those that have no arrow. @returns the upper left corner of each node */
export function placesOf({ nodes, edges }: MapGraph): ReadonlyMap<string, Place> {
  const linked = new Set(edges.flatMap(({ from, to }) => [from, to]));
  const places = linkedPlaces({ nodes: nodes.filter(({ key }) => linked.has(key)), edges });
  const below = Math.max(0, ...[...places.values()].map(({ y }) => y + NODE.height + 2 * GAP));
  const single = nodes.filter(({ key }) => !linked.has(key));
  const rows = single.map(({ key }, i): [string, Place] => [
    key,
    {
      x: (i % COLUMNS) * (NODE.width + GAP),
      y: below + Math.floor(i / COLUMNS) * (NODE.height + GAP),
    },
  ]);
  return new Map([...places, ...rows]);
}

function linkedPlaces({ nodes, edges }: MapGraph): ReadonlyMap<string, Place> {
  const graph = new Graph({ multigraph: false });
  graph.setGraph({ rankdir: 'LR', nodesep: GAP, ranksep: 84 });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const { key } of nodes) graph.setNode(key, { ...NODE });
  for (const { from, to } of edges) graph.setEdge(from, to);
  layout(graph);
  return new Map(
    nodes.map(({ key }) => {
      const { x, y } = graph.node(key) as { x: number; y: number };
      return [key, { x: x - NODE.width / 2, y: y - NODE.height / 2 }];
    }),
  );
}
