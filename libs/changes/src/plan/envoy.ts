/** What a plan does to Envoy resources and proxies, for people and programs. */
import { contentFields, type ForkChanges, INSTANCE, type MeshFork, type ResourceDiff } from '#libs/compiler';
import { diffFields } from '#libs/diff';
import type { Ctx, PassBudget } from '#libs/incremental';
import { compareCodeUnits, eachOf, mapped, type Steps, sortedByInSteps, sortedInSteps } from '#libs/kernel';
import { turn } from '../turns.js';
import type { EnvoyChange, Plan, TouchedProxy } from './types.js';

/** Compares what every proxy is sent with what it would be; `describe` adds what is in the resources. */
export function* effectOf(fork: MeshFork): Steps<Pick<Plan, 'proxies'> & { readonly envoy: EnvoyEffect }> {
  const { ctx, proxies: total } = fork.before;
  const unaddressed: ReadonlySet<string> = new Set(fork.writes.addresses?.keys());
  const resources = yield* sortedInSteps(fork.resources(), byImportance);
  const types = new Map(resources.map(({ cell, type }) => [cell, type]));
  const proxies = yield* sortedByInSteps(yield* fork.proxiesInSteps(), ([key]) => key);
  // Most proxies share what they differ by with many others.
  const sharing = new Map<ForkChanges, number>();
  yield* eachOf(proxies, ([, diff]) => void sharing.set(diff, (sharing.get(diff) ?? 0) + 1));
  const users = new Map<string, number>();
  const counts = new Map<ForkChanges, Counts>();
  for (const [diff, count] of sharing) {
    const { added, changed, removed } = diff;
    yield* eachOf([...added, ...changed, ...removed], (cell) => void users.set(cell, (users.get(cell) ?? 0) + count));
    const replaced = [...changed, ...removed].filter((cell) => shortType(types.get(cell) ?? '') === 'Listener');
    const numbers = { added: added.length, changed: changed.length, removed: removed.length };
    counts.set(diff, { ...numbers, listeners: replaced.length });
    yield;
  }
  const touched = yield* mapped(proxies, ([key, diff]): TouchedProxy => {
    return { ...nameOf(ctx, key), ...(counts.get(diff) ?? NONE) };
  });
  const items = yield* mapped(resources, (diff): EnvoyChange => {
    // Its number is allocated when it is stored.
    const isProvisional = diff.before === undefined && unaddressed.has(serviceOf(diff.cell));
    return {
      ...{ op: opOf(diff), type: shortType(diff.type), name: diff.name, key: diff.key, namespace: diff.namespace },
      proxies: users.get(diff.cell) ?? 0,
      ...(isProvisional ? { provisionalAddress: true } : {}),
    };
  });
  const count = (op: EnvoyChange['op']): number => items.filter((item) => item.op === op).length;
  return {
    envoy: {
      ...{ added: count('add'), changed: count('change'), removed: count('remove') },
      ...{ items, resources },
    },
    proxies: { total, touched: touched.length, items: touched },
  };
}

type Counts = Pick<TouchedProxy, 'added' | 'changed' | 'removed' | 'listeners'>;
const NONE: Counts = { added: 0, changed: 0, removed: 0, listeners: 0 };

/** What is done to Envoy resources, with the resources in the same order. */
export type EnvoyEffect = Omit<Plan['envoy'], 'withoutFields'> & { readonly resources: readonly ResourceDiff[] };

/**
 * Says what is in the resources, in slices of the event loop: decoding them takes longer than all else.
 * @param details most resources that are shown field by field
 */
export async function describe(
  { resources, items, ...counts }: EnvoyEffect,
  details: number,
  slice: () => PassBudget,
): Promise<Plan['envoy']> {
  const full: EnvoyChange[] = [];
  let budget = slice();
  for (const [i, item] of items.entries()) {
    const diff = resources[i];
    full.push(diff && i < details ? { ...item, ...described(diff) } : item);
    if (i >= details || !budget.exhausted()) continue;
    await turn();
    budget = slice();
  }
  return { ...counts, items: full, withoutFields: Math.max(0, items.length - details) };
}

/** Changes first: what is new or gone follows from its name. */
const byImportance = (a: ResourceDiff, b: ResourceDiff): number =>
  Number(opOf(a) !== 'change') - Number(opOf(b) !== 'change') || compareCodeUnits(a.key, b.key);

const opOf = ({ before, after }: ResourceDiff): EnvoyChange['op'] => {
  if (before === undefined) return 'add';
  return after === undefined ? 'remove' : 'change';
};

/** `Cluster` of `type.googleapis.com/envoy.config.cluster.v3.Cluster`. */
const shortType = (url: string): string => url.slice(url.lastIndexOf('.') + 1);

function described({ before, after }: ResourceDiff): Pick<EnvoyChange, 'fields' | 'content'> {
  if (before && after) return { fields: diffFields(contentFields(before), contentFields(after)) };
  const only = before ?? after;
  return only ? { content: contentFields(only) } : {};
}

function nameOf(ctx: Ctx, key: string): Pick<TouchedProxy, 'namespace' | 'instance' | 'workload'> {
  const [namespace = '', instance = ''] = key.split('/');
  return { namespace, instance, workload: ctx.input(INSTANCE, key)?.workload ?? '' };
}

/** Of a listener at an address of its own, `<query>|<a.b>|<namespace>/<service>/<port>`; '' of others. */
function serviceOf(cell: string): string {
  const parts = cell.split('|');
  return parts.length === 3 ? (parts[2] ?? '').split('/').slice(0, 2).join('/') : '';
}
