import type { Outcome } from '#libs/telemetry';
import { atOneTime, byCallee, type Evidence } from './candidate.js';
import type { ServiceFacts } from './facts/facts.js';
import type { Symptom } from './symptoms/symptom.js';

/** Ways in which a service that has something fails: side by side they are one thing, with the name of what prevails. */
const WAYS: ReadonlyMap<Outcome, Way> = new Map<Outcome, Way>([
  ['error', 'answer'],
  ['other', 'answer'],
  ['overloaded', 'answer'],
  ['timeout', 'time'],
  ['refused', 'connection'],
  ['connect_timeout', 'connection'],
  ['reset', 'reset'],
  ['overflow', 'limit'],
]);

export type Way = 'answer' | 'time' | 'connection' | 'reset' | 'limit';

/** Root symptoms of one service at one time. */
export interface Group {
  readonly service: ServiceFacts;
  readonly symptoms: readonly Symptom[];
  /** How most of the failures end. */
  readonly prevailing: Way;
}

export function groupsOf({ symptoms }: Evidence): Group[] {
  const ours = symptoms.roots.filter(({ outcome }) => WAYS.has(outcome));
  return [...byCallee(ours).values()].flatMap(atOneTime).flatMap((group) => {
    const [first] = group;
    return first ? [{ service: first.service, symptoms: group, prevailing: prevailing(group) }] : [];
  });
}

const prevailing = (symptoms: readonly Symptom[]): Way =>
  [...byWay(symptoms)].sort(([, a], [, b]) => b - a)[0]?.[0] ?? 'answer';

/** Failures beyond the usual, by how they end. */
function byWay(symptoms: readonly Symptom[]): Map<Way, number> {
  const sums = new Map<Way, number>();
  for (const { outcome, excess } of symptoms) {
    const way = WAYS.get(outcome) ?? 'answer';
    sums.set(way, (sums.get(way) ?? 0) + excess);
  }
  return sums;
}

/** Of the failures, and in number, what a way must have to be one of several. */
const LEAST_PART = 0.1;
const LEAST_OF_A_WAY = 4;

/** Whether some are turned away and others wait in vain at the same time, as with a service that has too much to do; what is broken fails in one way. */
export function isSaturated({ symptoms }: Group): boolean {
  const sums = byWay(symptoms);
  const all = [...sums.values()].reduce((sum, failed) => sum + failed, 0);
  const has = (way: Way): boolean => (sums.get(way) ?? 0) >= Math.max(LEAST_OF_A_WAY, LEAST_PART * all);
  return has('answer') && (has('time') || has('limit'));
}
