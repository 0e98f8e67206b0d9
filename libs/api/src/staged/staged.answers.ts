/** Why a write met a staged change, as an answer. */
import type { ChangeRefusal } from '#libs/changes';
import { printId } from '#libs/model';
import { ProblemError } from '../problem.js';

export type StagedRefusal = Extract<
  ChangeRefusal,
  { readonly code: 'splits-pairs' | 'staged' | 'staged-moved' | 'two-sided' | 'unchanged' }
>;

const CODES = new Set(['splits-pairs', 'staged', 'staged-moved', 'two-sided', 'unchanged']);

export const isStaged = <R extends { readonly code: string }>(refusal: R | StagedRefusal): refusal is StagedRefusal =>
  CODES.has(refusal.code);

export function stagedProblem(refusal: StagedRefusal): ProblemError {
  switch (refusal.code) {
    case 'staged': {
      const { change, resource } = refusal;
      const detail = `${printId(resource)} is in ${change}, which some proxies have and others not yet: wait until it is over, or end it (heddle change revert ${change})`;
      return new ProblemError(409, 'staged', detail, {
        violations: [{ resource, path: '', code: 'staged', message: `held by ${change}` }],
      });
    }
    case 'splits-pairs':
      return new ProblemError(
        409,
        'splits-pairs',
        `${refusal.resources.map(printId).join(', ')}: callers and those they call must agree on this, so no share of them can have it first: apply without canary, with confirmWithin`,
      );
    case 'staged-moved':
      return new ProblemError(
        409,
        'staged-moved',
        `${refusal.change} is not what it was a moment ago: heddle change show ${refusal.change}`,
      );
    case 'two-sided': {
      const [first] = refusal.obstacles;
      const words = refusal.obstacles.map(({ message }) => message).join('; ');
      return new ProblemError(409, first?.code ?? 'two-sided', `${words}. To do it all the same: force (--force)`, {
        violations: refusal.obstacles.map((one) => ({ path: '', ...one })),
      });
    }
    case 'unchanged':
      return new ProblemError(409, 'unchanged', 'everything is already as it is said there: there is nothing to try');
  }
}
