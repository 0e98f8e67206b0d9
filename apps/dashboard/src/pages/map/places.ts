/** Where the nodes of a map lie. */
import { Graph, layout } from '@dagrejs/dagre';
import type { MapGraph } from './graph';

export const NODE = { width: 204, height: 92 } as const;

interface Place {
  readonly x: number;
  readonly y: number;
}

const GAP = 26;
/** For what stands at an edge. */
const RANK_GAP = 190;
/** Of those that have no arrow. */
const COLUMNS = 5;

/** Callers left, callees right; below them, in rows, those that have no arrow. @returns the upper left corner of each node */
export function placesOf({ nodes, edges }: MapGraph): ReadonlyMap<string, Place> {
  const linked = new Set(edges.flatMap(({ from, to }) => [from, to]));
  const places = folded(linkedPlaces({ nodes: nodes.filter(({ key }) => linked.has(key)), edges }));
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
  graph.setGraph({ rankdir: 'LR', nodesep: GAP, ranksep: RANK_GAP });
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

/** More of one rank than this would make the map so high that nobody could read it: they stand in several columns. */
const ROWS = 12;

function folded(places: ReadonlyMap<string, Place>): ReadonlyMap<string, Place> {
  const ranks = [...Map.groupBy(places, ([, { x }]) => x)]
    .toSorted(([a], [b]) => a - b)
    .map(([, rank]) => rank.toSorted(([, a], [, b]) => a.y - b.y).map(([key]) => key));
  const highest = Math.max(0, ...ranks.map((rank) => rank.length));
  if (highest <= ROWS) return places;
  const found = new Map<string, Place>();
  let left = 0;
  for (const rank of ranks) {
    const columns = Math.ceil(rank.length / ROWS);
    const rows = Math.ceil(rank.length / columns);
    const top = ((ROWS - rows) / 2) * (NODE.height + GAP);
    for (const [i, key] of rank.entries())
      found.set(key, {
        x: left + Math.floor(i / rows) * (NODE.width + GAP),
        y: top + (i % rows) * (NODE.height + GAP),
      });
    left += columns * (NODE.width + GAP) + RANK_GAP;
  }
  return found;
}
