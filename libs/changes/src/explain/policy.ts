/** What a policy does: the difference to the mesh without it. That something read it does not say that it did anything. */
import { isDeepStrictEqual } from 'node:util';
import {
  INSTANCE,
  type MeshFork,
  placesOfPolicy,
  policyAt,
  type ResourceDiff,
  scrapingIn,
  subjectOf,
} from '#libs/compiler';
import { shortType } from '#libs/envoy-api';
import type { Ctx } from '#libs/incremental';
import type { Steps } from '#libs/kernel';
import { type Policy, type ResourceId, resourceKey } from '#libs/model';
import type { LiveMesh } from '../live.js';
import { beside, type Revisions } from '../plan/beside.js';
import { fieldsAt, policyField } from './fields.js';
import type { Origins } from './origins.js';
import { envoyResource } from './resources.js';
import type { PolicyExplanation, ProxyName } from './types.js';

export const policyOf = (ctx: Ctx, id: ResourceId): Policy | undefined => policyAt(ctx, resourceKey(id));

export async function explainPolicy(
  live: LiveMesh,
  origins: Origins,
  id: ResourceId,
): Promise<PolicyExplanation | undefined> {
  const found = await beside(live, { puts: [], deletes: [id] }, (fork, revisions) =>
    gather({ ...revisions, live }, origins, { id, fork }),
  );
  if (!found) return undefined;
  await origins.load();
  const { resources, proxies, scraped, sets, loses, ...rest } = found;
  return {
    ...rest,
    policy: origins.written(id),
    resources: resources.map(({ op, proxies: count, ...one }) => ({
      ...{ ...envoyResource(origins, one), op },
      proxies: count,
    })),
    ...{ proxies, scraped },
    sets: sets.map((field) => policyField(origins, field)),
    loses: loses.map((field) => policyField(origins, field)),
  };
}

function* gather(
  { live, configRevision: revision, runtimeRevision }: Revisions & { readonly live: LiveMesh },
  origins: Origins,
  { id, fork }: { readonly id: ResourceId; readonly fork: MeshFork },
) {
  const { ctx } = fork.before;
  const policy = policyOf(ctx, id);
  if (!policy) return undefined;
  const touched = yield* fork.proxiesInSteps();
  const count = holders(touched.values());
  const resources = fork.resources().map((diff) => ({
    ...{ op: opOf(diff), type: shortType(diff.type), name: diff.name, subject: subjectOf(ctx, diff.cell) },
    proxies: count.get(diff.cell) ?? 0,
  }));
  const proxies = [...touched].flatMap(([key, { added, changed, removed }]) => {
    const instance = ctx.input(INSTANCE, key);
    if (!instance) return [];
    const { namespace, name, workload } = instance;
    return [{ namespace, instance: name, workload, resources: added.length + changed.length + removed.length }];
  });
  const fields = fieldsAt(ctx, origins, placesOfPolicy(ctx, policy)).filter(({ kind }) => kind === id.kind);
  origins.add({ ...id, revision: policy.source.revision }, ...resources.map(({ subject }) => subject));
  return {
    ...{ revision, runtimeRevision },
    conditions: fork.before
      .conditions(id)
      .map(({ type, status, reason, message }) => ({ type, status, reason, message })),
    read: live.graph.readersOf(id).length,
    ...{ resources, proxies, scraped: yield* scrapedOtherwise(fork, live.graph.instances), total: fork.before.proxies },
    sets: fields.filter(({ from }) => isSame(from, id)),
    loses: fields.filter(({ shadowed }) => shadowed.some((source) => isSame(source, id))),
  };
}

/** So many instances cost about a millisecond. */
const PIECE = 128;

/** Who lets Prometheus in, and would be read otherwise without the policy. */
function* scrapedOtherwise(fork: MeshFork, instances: readonly string[]): Steps<ProxyName[]> {
  const [before, after] = [scrapingIn(fork.before.ctx), scrapingIn(fork.ctx)];
  const found: ProxyName[] = [];
  for (const [index, key] of instances.entries()) {
    if (index % PIECE === PIECE - 1) yield;
    const instance = fork.before.ctx.input(INSTANCE, key);
    if (!instance?.metrics || isDeepStrictEqual(before(instance), after(instance))) continue;
    const { namespace, name, workload } = instance;
    found.push({ namespace, instance: name, workload });
  }
  return found;
}

type Cells = Readonly<Record<'added' | 'changed' | 'removed', readonly string[]>>;

/** How many proxies notice each cell. Those that differ alike share one value, which is walked once. */
function holders(touched: Iterable<Cells>): ReadonlyMap<string, number> {
  const alike = new Map<Cells, number>();
  for (const cells of touched) alike.set(cells, (alike.get(cells) ?? 0) + 1);
  const count = new Map<string, number>();
  for (const [{ added, changed, removed }, proxies] of alike) {
    for (const cell of [...added, ...changed, ...removed]) count.set(cell, (count.get(cell) ?? 0) + proxies);
  }
  return count;
}

const isSame = (a: ResourceId, b: ResourceId): boolean => resourceKey(a) === resourceKey(b);

/** What is gone without the policy is what it adds. */
function opOf({ before, after }: ResourceDiff): 'adds' | 'changes' | 'removes' {
  if (before && after) return 'changes';
  return before ? 'adds' : 'removes';
}
