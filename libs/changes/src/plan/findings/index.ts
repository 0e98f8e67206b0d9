import { destinationKey, type MeshFork } from '#libs/compiler';
import { type Steps, sortedByInSteps, sortedUnique } from '#libs/kernel';
import { type DomainValue, resourceKey } from '#libs/model';
import type { Plan } from '../types.js';
import { withoutInstances, withoutWeight } from './backends.js';
import { conditionFindings } from './references.js';
import { amplification, hurriedRetries } from './retries.js';
import { shadowedRoutes } from './routes.js';
import { type Subjects, subjectsOf } from './subjects.js';
import { type Check, FINDINGS, type Finding, type FindingDraft, type Judged, type Look } from './types.js';

const CHECKS: readonly Check[] = [
  conditionFindings,
  shadowedRoutes,
  withoutWeight,
  withoutInstances,
  amplification,
  hurriedRetries,
];

export interface Comparison {
  readonly findings: readonly Finding[];
  /** What holds without the plan and would not with it. */
  readonly resolved: readonly Finding[];
}

/** Judges what the plan concerns, as it is and as it would be. */
export function* compareFindings(judged: Judged): Steps<Comparison> {
  const subjects = yield* subjectsOf(judged);
  const before = yield* drafts(lookAt(judged.fork.before, judged, subjects));
  const after = yield* drafts(lookAt(judged.fork, judged, subjects));
  const findings = [...after].map(([key, draft]) => finish(draft, !before.has(key)));
  const resolved = [...before].filter(([key]) => !after.has(key)).map(([, draft]) => finish(draft, false));
  return { findings: yield* sorted(findings), resolved: yield* sorted(resolved) };
}

export const finish = (draft: FindingDraft, introduced: boolean): Finding => ({
  ...draft,
  severity: FINDINGS[draft.code],
  introduced,
});

export const findingKey = ({ code, resource, path }: FindingDraft): string =>
  `${code}|${resourceKey(resource)}|${path}`;

const RANK = { critical: 0, warning: 1, info: 2 } as const;

const sorted = (findings: readonly Finding[]): Steps<readonly Finding[]> =>
  sortedByInSteps(findings, (one) => `${RANK[one.severity]}${one.introduced ? 0 : 1}|${findingKey(one)}`);

function* drafts(look: Look): Steps<ReadonlyMap<string, FindingDraft>> {
  const found: FindingDraft[] = [];
  for (const check of CHECKS) found.push(...(yield* check(look)));
  // The first of those about one place: a route that never matches is one finding, however many callers it has.
  return new Map(found.reverse().map((draft) => [findingKey(draft), draft]));
}

function lookAt(source: Pick<MeshFork, 'ctx' | 'conditions'>, judged: Judged, subjects: Subjects): Look {
  const proposed = callersIn(judged.puts);
  return {
    ctx: source.ctx,
    conditions: (id) => source.conditions(id),
    ...subjects,
    mayCall: (destination) => {
      const [namespace = '', name = ''] = destination.split('/');
      const users = judged.usersOf({ kind: 'Service', namespace, name }).filter(({ kind }) => kind === 'Service');
      const stored = users.map((user) => destinationKey(user.namespace, user.name));
      return sortedUnique([...stored, ...(proposed.get(destination) ?? [])]);
    },
  };
}

/** Services that are written, by what they would call. */
function callersIn(puts: readonly DomainValue[]): ReadonlyMap<string, readonly string[]> {
  const callers = new Map<string, string[]>();
  for (const put of puts) {
    if (put.type !== 'Service') continue;
    const { namespace, name, dependencies } = put.value;
    for (const destination of dependencies) {
      const known = callers.get(destination);
      if (known) known.push(destinationKey(namespace, name));
      else callers.set(destination, [destinationKey(namespace, name)]);
    }
  }
  return callers;
}

/** Many proxies at once that close their connections are a storm of reconnects. */
export function listenersDrain(mesh: string, { total, items }: Plan['proxies'], percent: number): readonly Finding[] {
  const draining = items.filter(({ listeners }) => listeners > 0);
  if (draining.length < 2 || draining.length * 100 <= total * percent) return [];
  const share = Math.round((draining.length * 100) / total);
  const message = `${draining.length} of ${total} proxies (${share} %) get a listener replaced or removed and drain its connections; more than ${percent} % at once`;
  const resource = { kind: 'Mesh', namespace: '', name: mesh };
  return [finish({ code: 'listeners-drain', resource, path: '', message, by: [] }, true)];
}
