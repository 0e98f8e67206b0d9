/** Everything that is to be said of prepared writes, on one state of the mesh. */
import type { MeshFork } from '#libs/compiler';
import { ok, type Result, type Steps } from '#libs/kernel';
import { evaluate } from '../apply.js';
import type { LiveMesh } from '../live.js';
import type { Prepared } from '../prepare.js';
import type { Obstacle } from '../two-sided/obstacles.js';
import type { ChangesDeps, ResourceViolation } from '../types.js';
import { type EnvoyEffect, effectOf } from './envoy.js';
import { compareFindings, listenersDrain } from './findings/index.js';
import { twoSided } from './findings/two-sided.js';
import type { Plan } from './types.js';

export interface JudgeOptions {
  readonly drainPercent: number;
  /** Found beforehand. Default: none. */
  readonly obstacles?: readonly Obstacle[];
}

export interface Judgement {
  readonly fork: MeshFork;
  readonly effect: Pick<Plan, 'proxies' | 'cost' | 'findings' | 'resolved' | 'warnings'> & {
    readonly envoy: EnvoyEffect;
  };
}

export function* judge(
  deps: Pick<ChangesDeps, 'registry'>,
  live: LiveMesh,
  { prepared, fork }: { readonly prepared: Prepared; readonly fork: MeshFork },
  { drainPercent, obstacles = [] }: JudgeOptions,
): Steps<Result<Judgement, readonly ResourceViolation[]>> {
  const evaluated = yield* evaluate(deps, live, prepared, fork);
  if (!evaluated.ok) return evaluated;
  const { warnings } = evaluated.value;
  const { envoy, proxies } = yield* effectOf(fork);
  // Before findings are looked for: whoever pushes the change does not compute those.
  const { run: recomputed, verified, edges } = fork.counters;
  const { mesh, puts, deletes } = prepared;
  const judged = yield* compareFindings({ mesh, fork, puts, deletes, usersOf: (id) => live.usersOf(id) });
  const sides = yield* twoSided(fork.before.ctx, fork.ctx, { puts, obstacles });
  const findings = [...judged.findings, ...listenersDrain(mesh, proxies, drainPercent), ...sides];
  const cost = { recomputed, verified, edges };
  return ok({ fork, effect: { envoy, proxies, cost, findings, resolved: judged.resolved, warnings } });
}
