import type { Candidate } from './candidate.js';
import { PATTERN_NAMES, type PatternName } from './names.js';
import type { Symptom } from './symptoms/symptom.js';

/**
 * Which name wins when several explain the same failures: the order of PATTERN_NAMES, and why. Each failure is explained once: what
 * one has claimed is no longer there for those behind it.
 *
 * 1. `no_route`, `no_instance`, `dns`, `authorization`, `rate_limit`, `fault_injection`: the sidecar says itself what happened, and no
 *    statistics are needed. They hardly compete: each has outcomes of its own.
 * 2. `certificate`: the outcome says it too; that it is on one host or in one version is part of its scope, not another name.
 * 3. `periodic`: a beat over several periods is the rarest of coincidences; the host or service that has it is its scope.
 * 4. `bad_zone`: many hosts of one zone at once are one zone, not many hosts.
 * 5. `cold_start` before `bad_version` and `bad_host`: it says of the same instances also when; while the instance is of a new version it does
 *    not apply until the failures have stopped.
 * 6. `bad_version`, `bad_host`: never both, the better split wins (splits.ts). Before what concerns whole services, since a part explains more
 *    narrowly than the whole.
 * 7. `retry_storm` before `overload`: the storm says where the load comes from. Both before `circuit_breaker`, `timeout_too_short` and the
 *    connections, which are how a saturated service fails.
 * 8. `circuit_breaker`, `timeout_too_short`: before the connections and the rest, by their outcome and the limit.
 * 9. `connection_refused`, `connection_reset`: by their outcome.
 * 10. `failing_dependency`: what is left.
 */
const RANK: ReadonlyMap<PatternName, number> = new Map(PATTERN_NAMES.map((name, rank) => [name, rank]));

/** Of what a candidate would explain, the share that nobody before it has explained, for it to stay. */
const LEAST_LEFT = 0.4;

/** The candidates that remain, and how much of its claims each has to itself. */
export interface Kept {
  readonly candidate: Candidate;
  readonly share: number;
}

export function explainAway(candidates: readonly Candidate[]): Kept[] {
  const ordered = [...candidates].sort((a, b) => rank(a) - rank(b) || b.evidence - a.evidence);
  const explained = new Map<Symptom, number>();
  const kept: Kept[] = [];
  for (const candidate of ordered) {
    const all = candidate.claims.reduce((sum, { failed }) => sum + failed, 0);
    const left = candidate.claims.map(({ symptom, failed }) =>
      Math.min(failed, symptom.excess - (explained.get(symptom) ?? 0)),
    );
    const rest = left.reduce((sum, failed) => sum + Math.max(0, failed), 0);
    if (all <= 0 || rest < LEAST_LEFT * all) continue;
    for (const [i, { symptom }] of candidate.claims.entries()) {
      explained.set(symptom, (explained.get(symptom) ?? 0) + Math.max(0, left[i] ?? 0));
    }
    kept.push({ candidate, share: rest / all });
  }
  return kept;
}

const rank = ({ name }: Candidate): number => RANK.get(name) ?? RANK.size;
