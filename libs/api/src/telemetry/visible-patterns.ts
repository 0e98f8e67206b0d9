import type { Pattern, PatternView, Suspect, Tracked } from '#libs/patterns';
import type { Sight } from '#libs/telemetry';

export interface Sighted {
  readonly sight: Sight;
  /** How much of a change the reader may see, by its id. */
  readonly change: (id: string) => 'all' | 'some' | 'none';
}

/** Of a change that is seen in part, what its title or its touches name may be the other part. */
export const partlySeen = (id: string): string => `change ${id}`;

const isService = (sight: Sight, callee: string): boolean => {
  const [namespace = '', name = ''] = callee.split('/');
  return sight.service(namespace, name);
};
const isWorkload = (sight: Sight, workload: string): boolean => {
  const [namespace = '', name = ''] = workload.split('/');
  return workload === '' || sight.workload(namespace, name);
};
/** `<namespace>/<workload>/<instance>`, or an address, which says nothing of anybody. */
const isInstance = (sight: Sight, id: string): boolean => {
  const [namespace = '', , name = ''] = id.split('/');
  return name === '' || sight.instance(namespace, name);
};

/** Its sentence names all of these, so whoever may not see one of them is not told of the pattern. */
export function isVisible({ scope, upstream }: Pattern, sight: Sight): boolean {
  const { callees, callers = [], instances = [] } = scope;
  return (
    [...callees, ...upstream].every((callee) => isService(sight, callee)) &&
    callers.every((caller) => isWorkload(sight, caller)) &&
    instances.every((instance) => isInstance(sight, instance))
  );
}

/** A change is for who may see it; an instance for who may see its proxy; a rotation for everybody. */
function isSuspectVisible({ kind, id, events }: Suspect, { sight, change }: Sighted): boolean {
  if (kind === 'change' || kind === 'refusal') return change(id) !== 'none';
  return kind === 'rotation' || events.every((event) => isInstance(sight, event));
}

export function viewOfPattern(tracked: Tracked, sighted: Sighted): PatternView {
  const { suspects, ...pattern } = tracked.pattern;
  const seen = suspects
    .filter((suspect) => isSuspectVisible(suspect, sighted))
    .map((suspect) =>
      sighted.change(suspect.id) === 'some' ? { ...suspect, title: partlySeen(suspect.id) } : suspect,
    );
  return {
    ...pattern,
    ...{ id: tracked.id, state: tracked.overAt === undefined ? 'active' : 'over' },
    begun: new Date(tracked.since).toISOString(),
    ...(tracked.overAt === undefined ? {} : { ended: new Date(tracked.overAt).toISOString() }),
    ...{ formerNames: tracked.formerNames, suspects: seen, hiddenSuspects: suspects.length - seen.length },
  };
}

/** Whether the pattern has to do with a service, `<namespace>/<name>`. */
export const isOf = ({ scope, upstream }: Pattern, service: string): boolean =>
  [...scope.callees, ...upstream].some((callee) => callee.startsWith(`${service}/`));
