import { valueHash } from '#libs/kernel';
import type { AlertLife, AlertRow } from '#libs/store';
import type { MeshAssessment } from './assess.js';
import { ended, step } from './lifecycle.js';
import type { Assessment, Labels, Sample } from './sample.js';
import type { Verdict } from './verdict.js';

/** One alert, as it is stored and shown. */
export type Alert = AlertRow;

/** Something that happened to an alert: a line of history. */
export interface AlertEvent {
  readonly alert: Alert;
  readonly state: AlertLife['state'] | 'dropped';
}

export interface Evolution {
  /** Everything there is now, those resolved too, until they are forgotten. */
  readonly alerts: readonly Alert[];
  readonly events: readonly AlertEvent[];
}

export const fingerprintOf = (labels: Labels): string => valueHash(labels).slice(0, 16);

const ruleKey = ({ kind, namespace, name }: Alert['rule']): string => `${kind}/${namespace}/${name}`;

/** Takes all alerts of a mesh one step on. @param now milliseconds since the epoch */
export function evolve(before: readonly Alert[], { mesh, assessments }: MeshAssessment, now: number): Evolution {
  const known = new Map(before.map((alert) => [alert.fingerprint, alert]));
  const byRule = new Map(assessments.map((one) => [ruleKey(one.rule), one]));
  const alerts: Alert[] = [];
  const events: AlertEvent[] = [];
  const move = (from: Alert | undefined, to: Alert | undefined): void => {
    if (to) alerts.push(to);
    const event = happened(from, to);
    if (event) events.push(event);
  };
  const sampled = new Set<string>();
  for (const assessment of assessments) {
    for (const sample of assessment.samples) {
      const fingerprint = fingerprintOf(sample.labels);
      if (sampled.has(fingerprint)) continue;
      sampled.add(fingerprint);
      const from = known.get(fingerprint);
      move(from, stepped(from, { mesh, fingerprint, sample, assessment, now }));
    }
  }
  for (const alert of before) {
    if (!sampled.has(alert.fingerprint)) move(alert, left(alert, byRule.get(ruleKey(alert.rule)), now));
  }
  return { alerts, events };
}

interface Stepping {
  readonly mesh: string;
  readonly fingerprint: string;
  readonly sample: Sample;
  readonly assessment: Assessment;
  readonly now: number;
}

function stepped(from: Alert | undefined, { mesh, fingerprint, sample, assessment, now }: Stepping): Alert | undefined {
  const life = step(from, sample.verdict, now, assessment);
  if (!life) return undefined;
  // What is not known now is no news about what it was when it was.
  if (from && (life === from || sample.verdict === 'unknown'))
    return { ...from, ...lifeOf(life), ...endingOf(life, sample.verdict) };
  const { rule, description, runbook } = assessment;
  const { labels, value, threshold, unit, sentence } = sample;
  return {
    ...{ mesh, fingerprint, rule, labels, threshold, unit, sentence, description, runbook, ending: '' },
    ...lifeOf(life),
    value: Number.isFinite(value) ? value : undefined,
  };
}

const lifeOf = ({
  state,
  pendingAt,
  firingAt,
  resolvedAt,
  seenAt,
  heldMs,
  overMs,
  unknownMs,
}: AlertLife): AlertLife => ({
  ...{ state, pendingAt, firingAt, resolvedAt, seenAt, heldMs, overMs, unknownMs },
});

const endingOf = ({ state }: AlertLife, verdict: Verdict): { readonly ending?: string } =>
  state === 'resolved' && verdict === 'unknown' ? { ending: 'nothing has been known of it for a day' } : {};

/** An alert of which its rule says nothing now, or whose rule is gone. */
function left(alert: Alert, assessment: Assessment | undefined, now: number): Alert | undefined {
  if (alert.state === 'resolved') return alert;
  if (!assessment || assessment.state === 'disabled') {
    if (alert.state === 'pending') return undefined;
    const ending = assessment ? 'its rule was switched off' : 'its rule is gone';
    return { ...alert, ...ended({ ...alert, seenAt: now }), ending };
  }
  const life = step(alert, assessment.others, now, assessment);
  return life && { ...alert, ...lifeOf(life), ...endingOf(life, assessment.others) };
}

function happened(from: Alert | undefined, to: Alert | undefined): AlertEvent | undefined {
  if (!to) return from && { alert: from, state: 'dropped' };
  const anew = from?.state === 'resolved' && to.state !== 'resolved';
  return from && !anew && from.state === to.state ? undefined : { alert: to, state: to.state };
}
