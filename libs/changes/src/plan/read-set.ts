/** What a plan was made from, in a form that can be kept and compared. */
import type { MeshFork } from '#libs/compiler';
import { mapped, type Steps, valueHash } from '#libs/kernel';
import { type ResourceId, resourceKey } from '#libs/model';
import type { NetChange } from '#libs/store';
import type { LiveMesh } from '../live.js';
import type { ChangedInput } from './types.js';

export interface ReadMark {
  readonly type: 'input' | 'index' | 'query';
  readonly kind: string;
  readonly key: string;
  readonly hash: string;
  /** Of an index key: the inputs filed there, unless there are very many. */
  readonly members: readonly string[];
}

const MAX_MEMBERS = 200;

export function* readSetOf(fork: MeshFork): Steps<readonly ReadMark[]> {
  const reads = yield* fork.readsInSteps();
  const mark = ({ type, kind, key, hash, members }: (typeof reads)[number]): ReadMark => ({
    ...{ type, kind, key },
    hash: type === 'index' ? valueHash(members) : hash,
    members: members.length > MAX_MEMBERS ? [] : members,
  });
  return yield* mapped(reads, mark, 16);
}

const markKey = ({ kind, key }: ReadMark): string => `${kind}\u0000${key}`;

/** What is not in both of two read sets with the same hash. */
function differing(planned: readonly ReadMark[], now: readonly ReadMark[]): readonly ReadMark[] {
  const before = new Map(planned.map((mark) => [markKey(mark), mark]));
  const after = new Map(now.map((mark) => [markKey(mark), mark]));
  const gone = planned.filter((mark) => after.get(markKey(mark))?.hash !== mark.hash);
  const came = now.filter((mark) => before.get(markKey(mark))?.hash !== mark.hash);
  return [...gone, ...came];
}

/**
 * Resources among those that changed since which the plan was made from. What differs for another reason is a move of the
 * runtime: instances are no inputs of a plan.
 */
export function changedInputs(
  live: LiveMesh,
  marks: { readonly planned: readonly ReadMark[]; readonly now: readonly ReadMark[] },
  { written, since }: { readonly written: readonly ResourceId[]; readonly since: readonly NetChange[] },
): readonly ChangedInput[] {
  const changes = new Map(since.map((net) => [resourceKey(net), net]));
  const suspects = new Set(written.map(resourceKey));
  for (const mark of differing(marks.planned, marks.now))
    for (const key of resourcesBehind(live, mark)) suspects.add(key);
  const guilty = [...changes].filter(([key]) => suspects.has(key)).map(([, net]) => net);
  // What was deleted meanwhile is behind nothing any more.
  const isUnexplained = guilty.length === 0 && differing(marks.planned, marks.now).length > 0;
  const found = isUnexplained ? since.filter(({ after }) => after === undefined) : guilty;
  return found.map(({ kind, namespace, name, changes: by }) => ({ kind, namespace, name, by: [...by].reverse() }));
}

const resourcesBehind = ({ graph }: LiveMesh, { kind, key, members }: ReadMark): readonly string[] =>
  graph.resourcesOf({ kind, key }, members).map(resourceKey);
