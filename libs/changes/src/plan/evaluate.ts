/** A proposal beside the live mesh: whether it compiles, and what is to be said of it. */
import type { Condition, MeshFork } from '#libs/compiler';
import { flatMapped, type Steps, type Violation } from '#libs/kernel';
import { type DomainValue, printId, type ResourceId, resourceKey } from '#libs/model';
import type { LiveMesh } from '../live.js';
import type { ResourceWarning } from '../types.js';

/** What really changes: what stays as it is would only make queries run. */
export interface Writes {
  readonly puts: readonly DomainValue[];
  readonly deletes: readonly ResourceId[];
}

/** A number that allocation hands out last. */
const LAST_ADDRESS = 65_534;

/** Services of the writes that have no number yet, with provisional ones. */
export function provisionalAddresses({ graph }: LiveMesh, { puts }: Writes): ReadonlyMap<string, number> {
  const fresh = puts
    .filter(({ type }) => type === 'Service' || type === 'ExternalService')
    .flatMap((value) => (value.type === 'Mesh' ? [] : [`${value.value.source.namespace}/${value.value.source.name}`]))
    .filter((service) => graph.addressOf(service) === undefined);
  return new Map(fresh.map((service, i) => [service, LAST_ADDRESS - i]));
}

export function forkOf(live: LiveMesh, writes: Writes): MeshFork {
  return live.graph.fork({ ...writes, addresses: provisionalAddresses(live, writes) });
}

/** Warnings of proposed writes: conditions that would not hold, and who would miss what is deleted. */
export function* warningsOf(
  live: LiveMesh,
  fork: MeshFork,
  {
    written,
    deletes,
    mayKnow,
  }: {
    readonly written: readonly ResourceId[];
    readonly deletes: readonly ResourceId[];
    readonly mayKnow: (namespace: string) => boolean;
  },
): Steps<readonly ResourceWarning[]> {
  const conditionsOf = (resource: ResourceId): readonly ResourceWarning[] => {
    const failing = fork.conditions(resource).filter((one) => one.status === 'False');
    return failing.flatMap(asWarnings).map(({ path, code, message }) => ({ resource, path, code, message }));
  };
  const gone = new Set(deletes.map(resourceKey));
  const missedBy = (resource: ResourceId): readonly ResourceWarning[] =>
    live
      .usersOf(resource)
      .filter((user) => !gone.has(resourceKey(user)))
      .map((user) => {
        const known = mayKnow(user.namespace);
        const message = stillUsed(user.kind, known ? printId(user) : 'a resource of another namespace');
        return { resource, path: '', code: 'still-referenced', message, ...(known ? { by: user } : {}) };
      });
  return [...(yield* flatMapped(written, conditionsOf, 1)), ...(yield* flatMapped(deletes, missedBy, 1))];
}

function asWarnings({ details, reason, message }: Condition): readonly Violation[] {
  return details.length > 0 ? details : [{ path: '', code: reason, message }];
}

/** What only looks at traffic sends none. */
const LOOKS_ON: readonly string[] = ['ServiceLevelObjective', 'AlertRule'];

const stillUsed = (kind: string, user: string): string =>
  LOOKS_ON.includes(kind)
    ? `${user} still refers to it: there will be nothing for it to look at until that is changed`
    : `${user} still refers to it: what it sends there gets 500 until that is changed`;
