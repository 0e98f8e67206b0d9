/** What a plan does to Envoy resources and proxies, for people and programs. */
import { contentFields, INSTANCE, type MeshFork, type ResourceDiff } from '#libs/compiler';
import type { Ctx, PassBudget } from '#libs/incremental';
import { compareCodeUnits } from '#libs/kernel';
import { diffFields } from '../diff/fields.js';
import { turn } from './beside.js';
import type { EnvoyChange, Plan, TouchedProxy } from './types.js';

export interface EffectOptions {
  /** Of the mesh as it is: instances are no part of a plan. */
  readonly ctx: Ctx;
  /** Registered proxies. */
  readonly total: number;
  /** Services whose number is not allocated yet, `<namespace>/<name>`. */
  readonly unaddressed: ReadonlySet<string>;
}

/** Compares what every proxy is sent with what it would be; `describe` adds what is in the resources. */
export function effectOf(
  fork: MeshFork,
  { ctx, total, unaddressed }: EffectOptions,
): Pick<Plan, 'proxies'> & { readonly envoy: EnvoyEffect } {
  const resources = [...fork.resources()].sort(byImportance);
  const users = new Map<string, number>();
  const types = new Map(resources.map(({ cell, type }) => [cell, type]));
  const proxies = [...fork.proxies()].sort(([a], [b]) => (a < b ? -1 : 1));
  // Most proxies share what they differ by with many others.
  const sharing = new Map<(typeof proxies)[number][1], number>();
  for (const [, diff] of proxies) sharing.set(diff, (sharing.get(diff) ?? 0) + 1);
  const counts = new Map(
    [...sharing].map(([diff, count]) => {
      const { added, changed, removed } = diff;
      for (const cell of [...added, ...changed, ...removed]) users.set(cell, (users.get(cell) ?? 0) + count);
      const replaced = [...changed, ...removed].filter((cell) => shortType(types.get(cell) ?? '') === 'Listener');
      const numbers = { added: added.length, changed: changed.length, removed: removed.length };
      return [diff, { ...numbers, listeners: replaced.length }] as const;
    }),
  );
  const none = { added: 0, changed: 0, removed: 0, listeners: 0 };
  const touched = proxies.map(([key, diff]): TouchedProxy => ({ ...nameOf(ctx, key), ...(counts.get(diff) ?? none) }));
  const items = resources.map((diff): EnvoyChange => {
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
