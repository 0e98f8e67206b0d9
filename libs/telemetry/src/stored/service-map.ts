import { parseNodeId } from '#libs/kernel';
import type { PlaintextUses } from '#libs/store';
import { PLAINTEXT_WINDOW_MS } from '../plaintext-watch.js';
import type { MapEdge, MapNode, ServiceMap } from './answers.js';
import { EdgeKeys } from './edges.js';
import { instanceOf, printed, serviceOf } from './names.js';
import { highest } from './order.js';
import { OTHERS, type Sight } from './sight.js';
import type { SignalReader } from './signal-reader.js';
import { Tally } from './tally.js';
import { WIDTHS } from './views.js';
import { secondsOf, type Window } from './window.js';

interface MapParts {
  readonly reader: SignalReader;
  readonly plaintext: Pick<PlaintextUses, 'seen'>;
}

export interface MapRequest {
  readonly mesh: string;
  readonly sight: Sight;
  /** Edges at most: the busiest. */
  readonly limit: number;
  /** Only services of this one, with whoever calls them. */
  readonly namespace?: string | undefined;
  readonly window: Window;
  /** In which it is seen which workloads answer for which service. */
  readonly recent: Window;
}

type Serves = ServiceMap['serves'][number];

export async function readMap(
  { reader, plaintext }: MapParts,
  { mesh, sight, limit, namespace, window, recent }: MapRequest,
): Promise<Omit<ServiceMap, 'from' | 'to' | 'incomplete'>> {
  const keys = new EdgeKeys(sight);
  const prefix = namespace === undefined ? undefined : `${namespace}/`;
  const of = { mesh, prefix };
  const [pairs, serves, plain] = await Promise.all([
    reader.totals({ ...of, view: 'pair', window }, keys.keyOf),
    readServes(reader, { ...of, sight, window: recent }),
    readPlaintext(plaintext, mesh, sight),
  ]);
  const seconds = secondsOf(window.spans);
  const inPlain = new Set(serves.filter(({ workload }) => plain.has(workload)).map(({ service }) => service));
  const asked = new Map<string, Tally>();
  const every = [...pairs].flatMap(([key, tally]): readonly MapEdge[] => {
    const edge = keys.edge(key, tally, seconds);
    // Whoever asks for a namespace by its name is not told of what he may not see there.
    if (namespace !== undefined && edge.callee === OTHERS) return [];
    const known = asked.get(edge.callee) ?? new Tally('requests', WIDTHS.pair);
    asked.set(edge.callee, known);
    known.merge(tally);
    return [edge.caller === '' && inPlain.has(edge.callee) ? { ...edge, plaintext: true } : edge];
  });
  const edges = highest(every, 'rate', ({ caller, callee }) => `${caller} ${callee}`).slice(0, limit);
  const services = new Set(edges.map(({ callee }) => callee));
  const served = serves.filter(({ service }) => services.has(service));
  const workloads = new Set([...edges.map(({ caller }) => caller), ...served.map(({ workload }) => workload)]);
  const nodes = [
    ...[...services].sort().map((id): MapNode => {
      const signals = id === OTHERS ? undefined : asked.get(id)?.signals(seconds);
      return { kind: 'service', id, ...(signals ? { signals } : {}) };
    }),
    ...[...workloads].sort().map((id): MapNode => {
      const requests = plain.get(id);
      return { kind: 'workload', id, ...(requests === undefined ? {} : { plaintext: requests }) };
    }),
  ];
  return {
    nodes,
    edges,
    serves: served,
    more: every.length - edges.length,
    hidden: namespace === undefined ? keys.hidden : 0,
  };
}

const seenService =
  (sight: Sight) =>
  (callee: string): string | undefined => {
    const service = serviceOf(callee);
    return sight.service(service.namespace, service.name) ? printed(service) : undefined;
  };

async function readServes(
  reader: SignalReader,
  { sight, ...request }: { mesh: string; prefix: string | undefined; window: Window; sight: Sight },
): Promise<readonly Serves[]> {
  const found = new Map<string, Serves>();
  const see = seenService(sight);
  await reader.totals({ ...request, view: 'instance' }, (callee, { dimensions: [instance = ''] }) => {
    const named = instanceOf(instance);
    const service = see(callee);
    if (named && service !== undefined && sight.workload(named.namespace, named.workload)) {
      const workload = `${named.namespace}/${named.workload}`;
      found.set(`${service} ${workload}`, { service, workload });
    }
    return undefined;
  });
  return [...found].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, serves]) => serves);
}

/** Requests without mutual TLS by workload. */
async function readPlaintext(
  plaintext: Pick<PlaintextUses, 'seen'>,
  mesh: string,
  sight: Sight,
): Promise<ReadonlyMap<string, number>> {
  const found = new Map<string, number>();
  for (const { node, requests } of await plaintext.seen(mesh, PLAINTEXT_WINDOW_MS)) {
    const id = parseNodeId(node);
    if (!id || !sight.workload(id.namespace, id.workload)) continue;
    const workload = `${id.namespace}/${id.workload}`;
    found.set(workload, (found.get(workload) ?? 0) + requests);
  }
  return found;
}
