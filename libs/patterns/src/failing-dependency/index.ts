import { outcomesFact, shareFact } from '../by-outcome.js';
import { allOf, type Candidate, type Evidence, type PatternKind, spanOf } from '../candidate.js';
import { groupsOf } from '../groups.js';
import { countsOf, narrowed } from '../narrow.js';
import type { Symptom } from '../symptoms/symptom.js';
import { listed, percent, serviceName } from '../words.js';

/**
 * A service itself fails, on all of its instances, and nothing that it calls failed before: the deepest of those that fail. Also what
 * is left when no other name fits.
 */
export const failingDependency: PatternKind = { name: 'failing_dependency', find };

function find(evidence: Evidence): Candidate[] {
  const own = groupsOf(evidence).filter(({ prevailing }) => prevailing === 'answer' || prevailing === 'time');
  return own.map(({ symptoms }) => candidate(evidence, symptoms));
}

function candidate({ facts, symptoms }: Evidence, ours: readonly Symptom[]): Candidate {
  const callee = ours[0]?.service.callee ?? '';
  const span = spanOf(ours);
  const { failed, total } = countsOf(facts, ours, span);
  const narrow = narrowed(ours);
  const upstream = symptoms.derived
    .filter(({ causes }) => causes.some((cause) => ours.includes(cause)))
    .map(({ symptom }) => serviceName(symptom.service.callee));
  const followed = upstream.length === 0 ? '' : `, and therefore ${listed([...new Set(upstream)].sort())}`;
  const strongest = ours.reduce((a, b) => (b.evidence > a.evidence ? b : a));
  const on = narrow.routes ? ` by route ${listed(narrow.routes)}` : '';
  return {
    name: 'failing_dependency',
    scope: { callees: [callee], ...narrow },
    claims: allOf(ours),
    ...span,
    evidence: strongest.evidence,
    enough: strongest.enough,
    explained: 1,
    facts: [shareFact({ of: serviceName(callee), failed, total }, ours), outcomesFact(ours)],
    sentence: `${serviceName(callee)} itself fails ${percent(failed, total)} of its requests${on}${followed}`,
  };
}
