/** The mesh as nodes and edges: what is declared, and what the traffic shows. What is drawn knows nothing of where it comes from. */
import type { GoldenSignals, MapEdge as SeenEdge, ServiceMap } from '../../api/signals';
import type { ServiceRow } from '../../api/views';

/** What is known of the requests over an edge, or to a node. */
export interface Traffic {
  /** Requests a second. */
  readonly rate: number;
  readonly count: number;
  readonly failures: number;
  /** Milliseconds; where several are summed up, of the slowest. Absent = nothing ended. */
  readonly p99?: number | undefined;
}

export type Security = 'mtls' | 'plaintext' | 'unknown';

export interface MapNode {
  /** `<namespace>/<name>` of a service, the namespace where a node stands for all of one; else told apart by `kind`. */
  readonly key: string;
  /** `rest`: what there is no room for. `anonymous`: callers without an identity. `others`: those the reader may not see. */
  readonly kind: 'service' | 'workload' | 'namespace' | 'rest' | 'anonymous' | 'others';
  readonly title: string;
  readonly under: string;
  readonly total: number;
  readonly ready: number;
  /** Services that it stands for. */
  readonly services: number;
  /** Named by a dependency, but not there, or not for the reader. */
  readonly isMissing: boolean;
  readonly traffic?: Traffic | undefined;
}

export interface MapEdge {
  readonly from: string;
  readonly to: string;
  /** Absent = declared, and not used. */
  readonly traffic?: Traffic | undefined;
  readonly security: Security;
  /** Of the one edge that it is; absent where it sums up several. `<namespace>/<workload>` */
  readonly caller?: string | undefined;
}

export interface MapGraph {
  readonly nodes: readonly MapNode[];
  readonly edges: readonly MapEdge[];
}

const keyOf = ({ namespace, name }: Pick<ServiceRow, 'namespace' | 'name'>): string => `${namespace}/${name}`;
export const ANONYMOUS = '(no identity)';
export const OTHERS = 'others';
export const REST = '(rest)';

export const trafficOf = ({ rate, count, failures, latency }: GoldenSignals): Traffic => {
  return { rate, count, failures, p99: latency?.p99 };
};

export function added(a: Traffic | undefined, b: Traffic | undefined): Traffic | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  const slowest = Math.max(a.p99 ?? -1, b.p99 ?? -1);
  return {
    ...{ rate: a.rate + b.rate, count: a.count + b.count, failures: a.failures + b.failures },
    p99: slowest < 0 ? undefined : slowest,
  };
}

export const securityOf = ({ caller, plaintext }: SeenEdge): Security =>
  plaintext ? 'plaintext' : caller === '' ? 'unknown' : 'mtls';

const WORST: readonly Security[] = ['plaintext', 'unknown', 'mtls'];
const worse = (a: Security, b: Security): Security => (WORST.indexOf(a) <= WORST.indexOf(b) ? a : b);

/** Edges between the same two nodes are one. */
export function merged(edges: readonly MapEdge[]): readonly MapEdge[] {
  const found = new Map<string, MapEdge>();
  for (const edge of edges) {
    const key = `${edge.from}\n${edge.to}`;
    const known = found.get(key);
    if (known === undefined) found.set(key, edge);
    else found.set(key, sumOf(known, edge));
  }
  return [...found.values()];
}

function sumOf(a: MapEdge, b: MapEdge): MapEdge {
  // What is only declared says nothing of how it is used.
  if (b.traffic === undefined) return a;
  if (a.traffic === undefined) return b;
  return {
    ...{ from: a.from, to: a.to, traffic: added(a.traffic, b.traffic), security: worse(a.security, b.security) },
    caller: a.caller === b.caller ? a.caller : undefined,
  };
}

/** Which node a workload is: that of the service that it answers for, if there is one, else one of its own. */
function nodesOfWorkloads(services: ReadonlyMap<string, ServiceRow>, serves: ServiceMap['serves']) {
  const answered = Map.groupBy(serves, ({ workload }) => workload);
  return (workload: string): string => {
    if (workload === '') return ANONYMOUS;
    const found = [...new Set((answered.get(workload) ?? []).map(({ service }) => service))];
    const [first] = found;
    if (found.length === 1 && first !== undefined) return first;
    return workload;
  };
}

/** Every service that the reader may see, with what it declares to call and what is called. @param map undefined = no traffic is known yet */
export function serviceGraph(services: readonly ServiceRow[], map: ServiceMap | undefined): MapGraph {
  const known = new Map(services.map((service) => [keyOf(service), service]));
  const nodeOf = nodesOfWorkloads(known, map?.serves ?? []);
  const declared = services.flatMap((from) =>
    from.dependencies.map((to): MapEdge => ({ from: keyOf(from), to, security: 'mtls' })),
  );
  const seen = (map?.edges ?? []).map(
    (edge): MapEdge => ({
      ...{ from: nodeOf(edge.caller), to: edge.callee, traffic: trafficOf(edge) },
      ...{ security: securityOf(edge), caller: edge.caller },
    }),
  );
  const edges = merged([...seen, ...declared]).filter(({ from, to }) => from !== to);
  const asked = new Map(
    (map?.nodes ?? []).flatMap(({ kind, id, signals }) =>
      kind === 'service' && signals ? [[id, trafficOf(signals)] as const] : [],
    ),
  );
  const callees = new Set([...known.keys(), ...edges.map(({ to }) => to)]);
  const keys = new Set([...callees, ...edges.map(({ from }) => from)]);
  const nodes = [...keys].map((key) => ({
    ...nodeFor(key, { service: known.get(key), isCallee: callees.has(key) }),
    traffic: asked.get(key),
  }));
  return { nodes, edges };
}

interface Known {
  readonly service: ServiceRow | undefined;
  /** Somebody calls it, or says so: it is meant to be a service. */
  readonly isCallee: boolean;
}

function nodeFor(key: string, { service, isCallee }: Known): MapNode {
  const none = { total: 0, ready: 0, services: 0, isMissing: false };
  if (key === ANONYMOUS) return { ...none, key, kind: 'anonymous', title: 'No identity', under: 'plaintext callers' };
  if (key === OTHERS) return { ...none, key, kind: 'others', title: 'Others', under: 'that you may not see' };
  const [under = '', title = key] = key.split('/');
  if (service === undefined && !isCallee) return { ...none, key, kind: 'workload', title, under };
  const { total = 0, ready = 0 } = service ?? {};
  return { key, kind: 'service', title, under, total, ready, services: 1, isMissing: service === undefined };
}

/** Only what is of a namespace, and its neighbours. */
export function partOf({ nodes, edges }: MapGraph, isMeant: (key: string) => boolean): MapGraph {
  const shown = edges.filter(({ from, to }) => isMeant(from) || isMeant(to));
  const keys = new Set([
    ...nodes.map(({ key }) => key).filter(isMeant),
    ...shown.flatMap(({ from, to }) => [from, to]),
  ]);
  return { nodes: nodes.filter(({ key }) => keys.has(key)), edges: shown };
}

/** Namespaces, and which of them call which: for meshes whose services nobody could take in at once. */
export function namespaceGraph({ nodes, edges }: MapGraph): MapGraph {
  const groups = Map.groupBy(nodes, groupOf);
  const grouped = [...groups].map(([key, list]): MapNode => {
    const [first] = list;
    if (first !== undefined && !isNamed(first)) return first;
    const services = list.filter(({ kind, isMissing }) => kind === 'service' && !isMissing).length;
    return {
      ...{ key, kind: 'namespace', title: key, under: `${services} services`, services },
      total: list.reduce((sum, { total }) => sum + total, 0),
      ready: list.reduce((sum, { ready }) => sum + ready, 0),
      isMissing: services === 0 && list.some(({ isMissing }) => isMissing),
      traffic: list.map(({ traffic }) => traffic).reduce(added, undefined),
    };
  });
  const known = new Map(nodes.map((node) => [node.key, groupOf(node)]));
  return {
    nodes: grouped,
    edges: merged(edges.map((edge) => moved(edge, known))).filter(({ from, to }) => from !== to),
  };
}

const isNamed = ({ kind }: MapNode): boolean => kind === 'service' || kind === 'workload';
const groupOf = (node: MapNode): string => (isNamed(node) ? node.under : node.key);
const moved = (edge: MapEdge, to: ReadonlyMap<string, string>): MapEdge => ({
  ...edge,
  ...{ from: to.get(edge.from) ?? edge.from, to: to.get(edge.to) ?? edge.to, caller: undefined },
});

/** By the order of magnitude: what is about the same stays in its order from one look to the next. */
const about = (value = 0): number => Math.ceil(Math.log2(1 + value));

/** What fails most comes first, then what is busiest. */
function byWeight(a: MapNode | MapEdge, b: MapNode | MapEdge): number {
  return (
    about(b.traffic?.failures) - about(a.traffic?.failures) ||
    about(b.traffic?.rate) - about(a.traffic?.rate) ||
    compareNames(nameOf(a), nameOf(b))
  );
}

const nameOf = (one: MapNode | MapEdge): string => ('key' in one ? one.key : `${one.from} ${one.to}`);
const compareNames = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** So much can be taken in at once, and drawn without a stutter. */
export interface Room {
  readonly nodes: number;
  readonly edges: number;
}

/** What there is no room for is one node. */
export function fitted({ nodes, edges }: MapGraph, room: Room): MapGraph {
  if (nodes.length <= room.nodes)
    return { nodes, edges: edges.length <= room.edges ? edges : edges.toSorted(byWeight).slice(0, room.edges) };
  const kept = nodes.toSorted(byWeight).slice(0, room.nodes - 1);
  const keys = new Set(kept.map(({ key }) => key));
  const places = new Map(nodes.map(({ key }) => [key, keys.has(key) ? key : REST]));
  const rest: MapNode = {
    ...{ key: REST, kind: 'rest', title: `${nodes.length - kept.length} more`, under: 'see the list' },
    ...{ total: 0, ready: 0, services: nodes.length - kept.length, isMissing: false },
  };
  const all = merged(
    edges.map((edge) => (keys.has(edge.from) && keys.has(edge.to) ? edge : moved(edge, places))),
  ).filter(({ from, to }) => from !== to);
  return { nodes: [...kept, rest], edges: all.toSorted(byWeight).slice(0, room.edges) };
}

/** What of a graph its places depend on: as long as it stays, nothing moves. */
export const shapeOf = ({ nodes, edges }: MapGraph): string =>
  `${nodes.map(({ key }) => key).join('\n')}\n\n${edges.map(({ from, to }) => `${from} ${to}`).join('\n')}`;
