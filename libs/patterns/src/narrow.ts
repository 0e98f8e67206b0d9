import { sortedUnique } from '#libs/kernel';
import { outcomesOf } from './candidate.js';
import { added, type EdgeFacts, type Facts, usualOf } from './facts/facts.js';
import { excessEvidence } from './statistics/evidence.js';
import { sumOf } from './statistics/segment.js';
import type { Symptom } from './symptoms/symptom.js';
import type { Scope } from './types.js';

/** One that would have had this many failures at the others' rate and has far fewer is known to be spared. */
const PLAIN = 5;

/** To whom and where the failures of some symptoms of one service are confined, as far as the traffic of the others can tell. */
export function narrowed(symptoms: readonly Symptom[]): Pick<Scope, 'callers' | 'routes'> {
  const callers = confined(symptoms, (edge) => edge.caller);
  const routes = confined(symptoms, (edge) => edge.route);
  return { ...(callers ? { callers } : {}), ...(routes ? { routes } : {}) };
}

interface Part {
  failed: number;
  total: number;
  expected: number;
}

/** @returns undefined when all are affected, or when those that are not have too little traffic to tell */
function confined(symptoms: readonly Symptom[], of: (edge: EdgeFacts) => string): string[] | undefined {
  const parts = new Map<string, Part>();
  for (const symptom of symptoms) count(parts, symptom, of);
  const affected = [...parts].filter(
    ([, part]) => excessEvidence(part.failed, part.expected) >= PLAIN && part.failed > 0,
  );
  if (affected.length === 0 || affected.length === parts.size) return undefined;
  const [failed, total] = [sum(affected, 'failed'), sum(affected, 'total')];
  const rate = total > 0 ? failed / total : 0;
  const names = new Set(affected.map(([name]) => name));
  const spared = [...parts].filter(([name]) => !names.has(name));
  const would = rate * sum(spared, 'total');
  return would >= PLAIN && sum(spared, 'failed') < 0.2 * would ? sortedUnique(names) : undefined;
}

function count(
  parts: Map<string, Part>,
  { service, outcome, segment }: Symptom,
  of: (edge: EdgeFacts) => string,
): void {
  for (const edge of service.edges) {
    const name = of(edge);
    const part = parts.get(name) ?? { failed: 0, total: 0, expected: 0 };
    const total = sumOf(edge.total, segment.from, segment.to);
    part.failed += sumOf(edge.failed.get(outcome) ?? new Float64Array(), segment.from, segment.to);
    part.total += total;
    part.expected += total * usualOf([edge], outcome);
    parts.set(name, part);
  }
}

const sum = (parts: readonly [string, Part][], key: keyof Part): number =>
  parts.reduce((all, [, part]) => all + part[key], 0);

/** Failed and all of a service in a span. */
export function countsOf(
  facts: Facts,
  symptoms: readonly Symptom[],
  { from, to }: { readonly from: number; readonly to: number },
): { failed: number; total: number } {
  const service = symptoms[0]?.service;
  if (service === undefined) return { failed: 0, total: 0 };
  const failed = outcomesOf(symptoms).reduce(
    (all, outcome) =>
      all +
      sumOf(
        added(
          service.edges.map((edge) => edge.failed.get(outcome)),
          facts.buckets,
        ),
        from,
        to,
      ),
    0,
  );
  return {
    failed,
    total: sumOf(
      added(
        service.edges.map((edge) => edge.total),
        facts.buckets,
      ),
      from,
      to,
    ),
  };
}
