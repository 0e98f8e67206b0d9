/** What a plan, or its refusal, is answered with. */
import type { ChangedInput, PlanRefusal } from '#libs/changes';
import type { Result } from '#libs/kernel';
import { printId, type ResourceId } from '#libs/model';
import type { ChangeMark } from '#libs/store';
import { notPermitted } from '../access/denials.js';
import { invalid, notFound, ProblemError, type ProblemViolation } from '../problem.js';
import { isStaged, type StagedRefusal, stagedProblem } from '../staged/staged.answers.js';
import { listed, type Reader } from './visible-plan.js';

type Visible = (id: ResourceId) => boolean;

/** @throws ProblemError */
export function plannedOr<T>(result: Result<T, PlanRefusal>, reader: Reader): T {
  if (result.ok) return result.value;
  if (result.error.code === 'forbidden') throw forbiddenProblem(result.error, reader);
  if (isStaged(result.error)) throw stagedProblem(result.error);
  throw problemOf(result.error, ({ kind, namespace, name }) => reader.may({ kind, namespace, name }));
}

function forbiddenProblem(
  { denials, named }: Extract<PlanRefusal, { code: 'forbidden' }>,
  { may, kinds }: Reader,
): ProblemError {
  const shown = named ? denials : denials.filter(({ resource, hidden }) => !hidden && may(resource));
  const others = denials.length - shown.length;
  if (shown.length > 0) return notPermitted(shown, kinds, others);
  return new ProblemError(403, 'forbidden', `this would write ${listed([], others)} that you may not read`);
}

const conflict = (code: string, detail: string, violations: readonly ProblemViolation[] = []): ProblemError =>
  new ProblemError(409, code, detail, violations.length > 0 ? { violations } : {});

// One branch a code, each a line or two.
function problemOf(
  refusal: Exclude<PlanRefusal, StagedRefusal | { code: 'forbidden' }>,
  visible: Visible,
): ProblemError {
  switch (refusal.code) {
    case 'invalid':
      return invalid(refusal.violations);
    case 'not-found':
      return notFound(`${printId(refusal.resource)} does not exist`);
    case 'history-removed':
      return new ProblemError(
        410,
        'history-removed',
        `history before revision ${refusal.floor} was removed (audit.historyDays)`,
      );
    case 'no-preview':
      return new ProblemError(
        503,
        'no-preview',
        'this replica has not compiled the mesh (yet), so it cannot say what a change would do',
        {
          headers: { 'Retry-After': '2' },
        },
      );
    case 'unknown-change':
      return notFound(`there is no ${refusal.change} of this mesh: heddle history lists its changes`);
    case 'include-security':
      return securityProblem(refusal.resources, visible);
    case 'rollback-conflict':
      return conflict(
        'rollback-conflict',
        `later changes wrote ${namesOf(refusal.conflicts, visible)} too: skip these (conflicts: skip) or undo the later changes with them (overwrite)`,
        refusal.conflicts
          .filter(visible)
          .map((one) =>
            about(one, 'rollback-conflict', `written by ${[...one.later].reverse().map(printMark).join(', ')}`),
          ),
      );
    case 'plan-unknown':
      return notFound('there is no such plan: plans are kept for a day');
    case 'plan-expired':
      return conflict('plan-expired', `the plan expired at ${refusal.expiresAt}: plan again`);
    case 'plan-stale':
      return staleProblem(refusal.inputs, visible);
    case 'plan-contended':
      return conflict(
        'plan-contended',
        'others keep writing in between, though nothing that the plan was made from: send it again',
      );
    case 'idempotency-mismatch':
      return new ProblemError(422, 'idempotency-mismatch', 'this Idempotency-Key was used for another request');
  }
}

function staleProblem(inputs: readonly ChangedInput[], visible: Visible): ProblemError {
  const violations = inputs
    .filter(visible)
    .map((input) =>
      about(
        input,
        'input-changed',
        input.by.length > 0 ? `changed by ${input.by.map(printMark).join(', ')}` : 'has changed',
      ),
    );
  return conflict(
    'plan-stale',
    `what the plan was made from has changed: ${namesOf(inputs, visible)}. Nothing was applied: plan again`,
    violations,
  );
}

const securityProblem = (resources: readonly ResourceId[], visible: Visible): ProblemError =>
  conflict(
    'include-security',
    `this would write ${namesOf(resources, visible)}, which decide who may do what: say includeSecurity (--include-security) if that is meant`,
    resources.filter(visible).map((id) => about(id, 'include-security', 'is of security or administration')),
  );

const about = ({ kind, namespace, name }: ResourceId, code: string, message: string): ProblemViolation => ({
  ...{ resource: { kind, namespace, name }, path: '', code, message },
});

const namesOf = (ids: readonly ResourceId[], visible: Visible): string => {
  const named = ids.filter(visible).map(printId);
  return listed(named, ids.length - named.length);
};

/** `alice in c-12 (canary 10 %)` */
const printMark = ({ actor, change, message }: ChangeMark): string =>
  `${actor} in ${change}${message === '' ? '' : ` (${message.slice(0, 80)})`}`;
