import type { Candidate } from './candidate.js';
import type { Facts } from './facts/facts.js';

/** Buckets by which what is below may seem to begin later. */
const SLACK = 1;

/**
 * Whether something that began no later is further down on the way of what the services of a candidate call. Nothing says that they fail because
 * of it, or they would not be told of by themselves; but in its first buckets it need not show yet.
 */
export function mayFollow(facts: Facts, candidate: Candidate, all: readonly Candidate[]): boolean {
  const { from } = candidate;
  const others = all.filter((other) => other !== candidate && other.from <= from + SLACK && other.to >= from - SLACK);
  if (others.length === 0) return false;
  const below = calledBy(facts, candidate.scope.callees);
  return others.some(({ scope }) => scope.callees.some((callee) => below.has(callee)));
}

/** All that some services call, what that calls, and so on; themselves only where they call each other in a circle. */
function calledBy(facts: Facts, callees: readonly string[]): Set<string> {
  const found = new Set<string>();
  const next = [...callees];
  for (let callee = next.pop(); callee !== undefined; callee = next.pop()) {
    for (const workload of facts.services.get(callee)?.known?.workloads ?? []) {
      for (const edge of facts.outgoing.get(workload) ?? []) {
        if (found.has(edge.callee)) continue;
        found.add(edge.callee);
        next.push(edge.callee);
      }
    }
  }
  return found;
}
