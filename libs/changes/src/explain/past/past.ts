import { err } from '#libs/kernel';
import { proxyAt } from './at.js';
import { proxyOfRevision } from './revision.js';
import type { ExplainPast, ExplainPastDeps } from './types.js';

/** Makes what answers what proxies were running, and what they would be. */
export function createExplainPast(deps: ExplainPastDeps): ExplainPast {
  let isCompiling = false;
  return {
    async at(query) {
      const live = await deps.live(query.mesh, false);
      return live ? proxyAt(deps, live.graph, query) : err({ code: 'not-compiled' });
    },
    async ofRevision(query) {
      const { recompile } = deps;
      // A whole mesh beside the live one: one at a time is what a replica has memory and time for.
      if (isCompiling) return err({ code: 'busy' });
      isCompiling = true;
      try {
        const live = await deps.live(query.mesh, true);
        if (!live || !recompile) return err({ code: 'not-compiled' });
        return await proxyOfRevision(deps, { graph: live.graph, recompile }, query);
      } finally {
        isCompiling = false;
      }
    },
  };
}
