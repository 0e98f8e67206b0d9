import type { TimelineEvent } from '#libs/telemetry';
import type { PatternName } from '../../src/index.js';
import type { Effect } from './effects.js';
import type { Mesh, SimEdge, SimInstance, SimService } from './mesh.js';
import type { Random } from './random.js';

/** An event of a run: seconds since its start. */
export interface SimEvent {
  readonly at: number;
  readonly kind: TimelineEvent['kind'];
  readonly id: string;
  readonly title: string;
  readonly touches: readonly string[];
  readonly reversible: boolean;
}

/** What is to be found. */
export interface Truth {
  readonly name: PatternName;
  /** Undefined where it is not one service's matter. */
  readonly callee?: string;
  readonly caller?: string;
  readonly route?: string;
  readonly instance?: string;
  readonly version?: string;
  readonly zones?: readonly string[];
  /** Seconds since the start of the run. */
  readonly from: number;
  /** From when on it has to be found in time: a periodic one after three periods, one that grows when it is half grown. */
  readonly due: number;
  /** Ids of the events that brought it about; empty where nothing did. */
  readonly causes: readonly string[];
  /** A word for the table: how it was planted. */
  readonly variant: string;
}

export interface Planted {
  readonly truth: Truth;
  readonly effects: readonly Effect[];
  readonly events: readonly SimEvent[];
}

/** Where faults are planted. */
export interface Ground {
  readonly mesh: Mesh;
  readonly random: Random;
  /** When it begins; seconds. */
  readonly from: number;
  /** When the run ends. */
  readonly end: number;
  /** Services that another fault of this run has taken. */
  readonly taken: ReadonlySet<SimService>;
}

export type Plant = (ground: Ground) => Planted;

/** Attempts that a fault must touch in half a minute to be worth planting: fewer, and nobody could know. */
const TELLING = 8;

/** A service for which a fault of this share of its attempts shows within half a minute. */
export function target(
  { mesh, random, taken }: Ground,
  { share = 1, fits = () => true }: { readonly share?: number; readonly fits?: (service: SimService) => boolean } = {},
): SimService {
  const shows = ({ index }: SimService): boolean => (mesh.usual[index] ?? 0) * 25 * share >= TELLING;
  const possible = mesh.services.filter((service) => !taken.has(service) && fits(service) && shows(service));
  if (possible.length === 0) throw new RangeError('no service of this mesh fits');
  return random.pick(possible);
}

export const edgesInto = ({ mesh }: Ground, service: SimService): SimEdge[] =>
  mesh.edges.filter(({ callee }) => callee === service);

/** An event shortly before the fault, with a chance. */
export function cause(
  { random, from }: Ground,
  share: number,
  event: Pick<SimEvent, 'kind' | 'title' | 'touches'>,
): SimEvent[] {
  if (!random.chance(share)) return [];
  return [
    {
      ...event,
      at: from - random.between(0.5, 15),
      id: `cause-${random.whole(1, 1e9)}`,
      reversible: event.kind === 'change',
    },
  ];
}

export const ids = (events: readonly SimEvent[]): string[] => events.map(({ id }) => id);

/** From a fifth to all. */
export const strength = (random: Random): number => random.pick([0.2, 0.3, 0.5, 0.8, 1]);

/** Instances that were there well before and stay. */
export const serving = ({ instances }: SimService, from: number): SimInstance[] =>
  instances.filter(({ joined, left }) => joined < from - 60 && left === Number.POSITIVE_INFINITY);

/** No instance of it comes or goes by itself during the run. */
export const steady = (service: SimService, from: number): boolean =>
  serving(service, from).length === service.instances.length;
