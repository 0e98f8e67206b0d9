/** The last step of an apply: for everybody, for everybody and watched, or for some first. */
import { randomUUID } from 'node:crypto';
import { INSTANCE, type MeshFork } from '#libs/compiler';
import { err, mapped, ok, type Result, type Steps } from '#libs/kernel';
import type { StagedChange, StagedOptions, StoreRefusal, WriteOutcome, WriteRequest } from '#libs/store';
import type { LiveMesh } from '../live.js';
import type { ChangesDeps } from '../types.js';
import { cohortOf, type Touched } from './cohort.js';

/** Proxies that would notice the writes of a fork, with where they run. */
export function* touchedBy(live: LiveMesh, fork: MeshFork): Steps<readonly Touched[]> {
  const { ctx } = fork.before;
  const proxies = yield* fork.proxiesInSteps();
  return yield* mapped(proxies.keys(), (proxy): Touched => {
    const instance = ctx.input(INSTANCE, proxy);
    const { region = '', zone = '' } = instance?.locality ?? {};
    return { proxy, host: instance?.host ?? '', locality: `${region}/${zone}`, connected: live.isConnected(proxy) };
  });
}

/** @param touched by the change; nobody = there is nobody to try it with */
export async function commit(
  { store }: Pick<ChangesDeps, 'store'>,
  request: WriteRequest,
  trial: { readonly options: StagedOptions; readonly touched: readonly Touched[] } | undefined,
): Promise<Result<WriteOutcome, StoreRefusal>> {
  if (!trial) return store.resources.write(request);
  const { options, touched } = trial;
  const [share] = options.waves;
  if (share === undefined || touched.length === 0)
    return store.resources.write({ ...request, staged: { watch: { ...options, waves: [] } } });
  const members = cohortOf(touched, { change: randomUUID(), share, before: [] });
  const staged = await store.staged.stage({ ...request, options, members });
  if (staged.ok) return ok(outcomeOf(staged.value));
  return staged.error.code === 'unchanged' ? store.resources.write(request) : err(staged.error);
}

/** What a staged change will have done when it is everybody's. */
export const outcomeOf = ({ id, revision, items }: StagedChange): WriteOutcome => ({
  change: id,
  revision,
  staged: id,
  items: items.map((item) => {
    const op = item.op === 'delete' ? 'deleted' : item.ifVersion === 0 ? 'created' : 'updated';
    return { ...item.id, op, version: item.op === 'delete' ? item.ifVersion : item.ifVersion + 1 };
  }),
});
