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

function prevailing(symptoms: readonly Symptom[]): Way {
  const sums = new Map<Way, number>();
  for (const { outcome, excess } of symptoms) {
    const way = WAYS.get(outcome) ?? 'answer';
    sums.set(way, (sums.get(way) ?? 0) + excess);
  }
  return [...sums].sort(([, a], [, b]) => b - a)[0]?.[0] ?? 'answer';
}
