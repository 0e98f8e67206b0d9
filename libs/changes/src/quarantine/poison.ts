/** Which stored resources keep a part of the mesh from being compiled, and how far each has to be set back (REL-25). */
import type { MeshFork, MeshGraph } from '#libs/compiler';
import { atOnce, compareCodeUnits, finish } from '#libs/kernel';
import { type DomainValue, type ResourceId, resourceKey } from '#libs/model';
import { Halving } from '../plan/halving.js';

type Cell = Parameters<MeshFork['failureOf']>[0];

/** A resource that a failing cell was made from. */
export interface Suspect {
  readonly id: ResourceId;
  /** Config revision that is in force. */
  readonly revision: number;
  /** What it was before, newest first; what no longer parses is left out. */
  readonly former: readonly { readonly revision: number; readonly value: DomainValue }[];
}

export interface Poison<S extends Suspect> {
  readonly suspect: S;
  /** The newest former revision with which the cell compiles; undefined = none, but it does without the resource. */
  readonly use: S['former'][number] | undefined;
  /** Why it does not compile as it is. */
  readonly message: string;
}

/** Forks that one search may make. What is not found now is found next time. */
const MAX_TRIALS = 300;

/**
 * @param suspects of the cell. Those without a former revision count only if they are policies, without which things can be
 * @returns nothing when none of them, set back, makes the cell compile
 */
export function findPoison<S extends Suspect>(
  graph: MeshGraph,
  cell: Cell,
  suspects: readonly S[],
): readonly Poison<S>[] {
  // Newest last: when two fail only together, the later one is to blame.
  const movable = suspects
    .filter(({ id, former }) => former.length > 0 || graph.sideOf(id.kind) !== undefined)
    .toSorted((a, b) => a.revision - b.revision || compareCodeUnits(resourceKey(a.id), resourceKey(b.id)));
  // The surest way back: without a policy things compile, whatever its former revisions are like.
  const way = (one: S): [S, Former | undefined] => [
    one,
    graph.sideOf(one.id.kind) === undefined ? one.former[0] : undefined,
  ];
  const failing = (asIs: readonly S[]): string | undefined =>
    setBack(graph, new Map(movable.filter((one) => !asIs.includes(one)).map(way))).failureOf(cell);
  if (failing([]) !== undefined) return [];
  const guilty = finish(new Halving((asIs: readonly S[]) => atOnce(failing(asIs)), MAX_TRIALS).guilty(movable));
  const back = new Map(guilty.map(({ item }) => way(item)));
  return guilty.map(({ item, message }) => {
    // While the other guilty ones are set back, too.
    const heals = (former: Former): boolean =>
      setBack(graph, new Map([...back, [item, former]])).failureOf(cell) === undefined;
    return { suspect: item, use: item.former.find(heals), message };
  });
}

type Former = Suspect['former'][number];

function setBack(graph: MeshGraph, back: ReadonlyMap<Suspect, Former | undefined>): MeshFork {
  return graph.fork({
    puts: [...back.values()].flatMap((former) => (former ? [former.value] : [])),
    deletes: [...back].flatMap(([{ id }, former]) => (former ? [] : [id])),
  });
}
