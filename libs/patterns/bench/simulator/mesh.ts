import { Random } from './random.js';

/** How a mesh is built: the bench has some to develop with and others that it is judged by. */
export interface Shape {
  readonly name: string;
  readonly services: number;
  /** Layers of the call graph; each service calls services of deeper layers. */
  readonly layers: number;
  readonly calls: readonly [number, number];
  readonly instances: readonly [number, number];
  readonly zones: readonly [number, number];
  /** Requests a second that come in by each entry. */
  readonly perEntry: readonly [number, number];
  /** Share that fails as a rule. */
  readonly background: readonly [number, number];
  /** Share of the edges with retries, and how many at most. */
  readonly retrying: number;
  readonly retries: number;
  /** A few services that everybody calls. */
  readonly hubs: number;
}

export interface SimInstance {
  readonly id: string;
  readonly version: string;
  readonly zone: string;
  /** Seconds since the start of the run; -Infinity for one that was always there, Infinity for one that stays. */
  joined: number;
  left: number;
}

export interface SimService {
  readonly index: number;
  readonly name: string;
  readonly callee: string;
  readonly instances: SimInstance[];
  /** Its own work. Milliseconds, the median. */
  readonly ownMs: number;
  /** Of the logarithm. */
  readonly sigma: number;
  readonly background: number;
  /** Attempts that it can serve, as a multiple of its usual ones at the busiest time of the day. */
  readonly headroom: number;
}

export interface SimEdge {
  readonly caller: SimService | undefined;
  readonly callee: SimService;
  /** Requests for each request of the caller; a second, for one from outside. */
  readonly rate: number;
  readonly routes: readonly { readonly name: string; readonly share: number }[];
  retries: number;
  /** Time limit as a multiple of the usual median. */
  readonly patience: number;
  /** Of failures, the share that the caller cannot do without. */
  readonly passedOn: number;
}

export interface Mesh {
  readonly services: readonly SimService[];
  readonly edges: readonly SimEdge[];
  readonly zones: readonly string[];
  /** Requests a second that reach each service, by index, on the average of a day. */
  readonly usual: readonly number[];
  /** Where in the day a run begins. Radians. */
  readonly hour: number;
}

/** Of the traffic, from the quietest to the busiest hour. */
const SWING = 0.3;
export const BUSIEST = 1 + SWING;

/** Traffic at a time as a multiple of the day's average. */
export const dayAt = ({ hour }: Mesh, second: number): number =>
  1 + SWING * Math.sin((2 * Math.PI * second) / 86_400 + hour);

/** The workload that lets requests in. */
export const GATEWAY = 'edge/gateway';
export const workloadOf = (service: SimService | undefined): string => service?.name ?? GATEWAY;

/** Fewer than this and nobody could say anything in half a minute. Requests a second. */
const LEAST_RATE = 3;

export function buildMesh(shape: Shape, random: Random): Mesh {
  const zones = Array.from({ length: random.whole(...shape.zones) }, (_, i) => `zone-${'abcdef'[i]}`);
  const services = Array.from({ length: shape.services }, (_, index) => buildService(index, { shape, random, zones }));
  const edges = buildEdges(services, shape, random);
  const usual = usualRates(services, edges);
  return { services, edges, zones, usual, hour: random.between(0, 2 * Math.PI) };
}

interface Building {
  readonly shape: Shape;
  readonly random: Random;
  readonly zones: readonly string[];
}

function buildService(index: number, { shape, random, zones }: Building): SimService {
  const name = `shop/s${index}`;
  const [first, versions] = [random.whole(0, zones.length - 1), random.chance(0.2) ? ['v1', 'v2'] : ['v1']];
  const instances = Array.from({ length: random.whole(...shape.instances) }, (_, i) => ({
    id: `${name}/s${index}-${i}`,
    version: versions[i % versions.length] ?? 'v1',
    zone: zones[(first + i) % zones.length] ?? 'zone-a',
    joined: Number.NEGATIVE_INFINITY,
    left: Number.POSITIVE_INFINITY,
  }));
  return {
    index,
    name,
    callee: `${name}/8080`,
    instances,
    ownMs: Math.exp(random.between(Math.log(3), Math.log(80))),
    sigma: random.between(0.3, 0.6),
    background: random.between(...shape.background),
    headroom: random.between(1.5, 2.5),
  };
}

function buildEdges(services: readonly SimService[], shape: Shape, random: Random): SimEdge[] {
  const layerOf = (index: number): number => Math.floor((index * shape.layers) / services.length);
  const hubs = services.slice(services.length - shape.hubs);
  const edges: SimEdge[] = [];
  const called = new Set<SimService>();
  const connect = (caller: SimService | undefined, callee: SimService, rate: number): void => {
    if (edges.some((edge) => edge.caller === caller && edge.callee === callee)) return;
    called.add(callee);
    edges.push(buildEdge({ caller, callee, rate }, shape, random));
  };
  for (const service of services) {
    const layer = layerOf(service.index);
    if (layer === 0) connect(undefined, service, random.between(...shape.perEntry));
    const deeper = services.filter(({ index }) => layerOf(index) > layer && layerOf(index) <= layer + 2);
    if (deeper.length === 0) continue;
    for (let i = random.whole(...shape.calls); i > 0; i -= 1)
      connect(service, random.pick(deeper), random.between(0.2, 1));
    if (hubs.length > 0 && random.chance(0.6) && !hubs.includes(service))
      connect(service, random.pick(hubs), random.between(0.1, 0.4));
  }
  for (const service of services) {
    if (called.has(service)) continue;
    const earlier = services.filter(({ index }) => layerOf(index) < layerOf(service.index));
    connect(random.pick(earlier), service, random.between(0.3, 1));
  }
  return enoughTraffic(services, edges);
}

function buildEdge(
  {
    caller,
    callee,
    rate,
  }: { readonly caller: SimService | undefined; readonly callee: SimService; readonly rate: number },
  shape: Shape,
  random: Random,
): SimEdge {
  const count = random.whole(1, 3);
  const shares = Array.from({ length: count }, () => random.between(0.2, 1));
  const all = shares.reduce((sum, share) => sum + share, 0);
  return {
    caller,
    callee,
    rate,
    routes: shares.map((share, i) => ({ name: `HTTPRoute/shop/s${callee.index}/r${i}`, share: share / all })),
    retries: random.chance(shape.retrying) ? random.whole(1, shape.retries) : 0,
    patience: random.between(6, 12),
    passedOn: random.chance(0.75) ? 1 : random.pick([0, 0.5]),
  };
}

/** Raises the rates of edges into services that would get next to nothing. */
function enoughTraffic(services: readonly SimService[], edges: SimEdge[]): SimEdge[] {
  let result = edges;
  for (let round = 0; round < 3; round += 1) {
    const usual = usualRates(services, result);
    result = result.map((edge) => {
      const rate = usual[edge.callee.index] ?? 0;
      return rate < LEAST_RATE ? { ...edge, rate: (edge.rate * LEAST_RATE) / Math.max(0.01, rate) } : edge;
    });
  }
  return result;
}

/** In the order of indexes, since calls go from lower ones to higher ones. */
export function usualRates(services: readonly SimService[], edges: readonly SimEdge[]): number[] {
  const rates = Array.from({ length: services.length }, () => 0);
  for (const service of services) {
    const incoming = edges.filter(({ callee }) => callee === service);
    rates[service.index] = incoming.reduce(
      (sum, { caller, rate }) => sum + (caller ? (rates[caller.index] ?? 0) * rate : rate),
      0,
    );
  }
  return rates;
}

/** Zones of the instances of a service, and their shares. */
export function zoneShares(service: SimService): [string, number][] {
  const shares = new Map<string, number>();
  for (const { zone } of service.instances) shares.set(zone, (shares.get(zone) ?? 0) + 1 / service.instances.length);
  return [...shares];
}
