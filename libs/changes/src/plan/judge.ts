/** Everything that is to be said of prepared writes, on one state of the mesh. Synchronous. */
import type { MeshFork } from '#libs/compiler';
import { ok, type Result } from '#libs/kernel';
import { evaluate } from '../apply.js';
import type { LiveMesh } from '../live.js';
import type { Prepared } from '../prepare.js';
import type { Obstacle } from '../two-sided/obstacles.js';
import type { ChangesDeps, ResourceViolation } from '../types.js';
import { type EnvoyEffect, effectOf } from './envoy.js';
import { provisionalAddresses } from './evaluate.js';
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

export function judge(
  deps: Pick<ChangesDeps, 'registry'>,
  live: LiveMesh,
  { prepared, fork }: { readonly prepared: Prepared; readonly fork: MeshFork },
  { drainPercent, obstacles = [] }: JudgeOptions,
): Result<Judgement, readonly ResourceViolation[]> {
  const parent = live.graph.counters;
  const evaluated = evaluate(deps, live, prepared, fork);
  if (!evaluated.ok) return evaluated;
  const { warnings } = evaluated.value;
  const unaddressed = new Set(provisionalAddresses(live, prepared).keys());
  const { envoy, proxies } = effectOf(fork, {
    ctx: live.graph.ctx,
    total: live.graph.instances.length,
    unaddressed,
  });
  const cost = {
    recomputed: fork.counters.run + live.graph.counters.run - parent.run,
    verified: fork.counters.verified + live.graph.counters.verified - parent.verified,
    edges: fork.counters.edges + live.graph.counters.edges - parent.edges,
  };
  const { mesh, puts, deletes } = prepared;
  const judged = compareFindings({ mesh, graph: live.graph, fork, puts, deletes, usersOf: (id) => live.usersOf(id) });
  const findings = [
    ...judged.findings,
    ...listenersDrain(mesh, proxies, drainPercent),
    ...twoSided(live.graph.ctx, fork.ctx, { puts, obstacles }),
  ];
  return ok({ fork, effect: { envoy, proxies, cost, findings, resolved: judged.resolved, warnings } });
}
