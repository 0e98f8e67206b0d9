import type { AlertRule, ServiceLevelObjective } from '#libs/model';
import type { MeshFacts, ServerFacts, SignalQuestion, SignalReading, Signals } from '../ports.js';
import { builtInRules } from './built-in.js';
import { isConditionRule, judgeCondition, NO_SOURCE, telemetryQuestion } from './conditions.js';
import { judgeObjective, type ObjectiveStatus, objectiveQuestions } from './objective.js';
import type { Assessment } from './sample.js';
import { isSignalRule, judgeSignal, signalQuestion } from './signal.js';

/** What is watched in one mesh. */
export interface Watched {
  readonly mesh: string;
  readonly objectives: readonly ServiceLevelObjective[];
  /** As written; the built-in ones come beside them. */
  readonly rules: readonly AlertRule[];
}

/** What is known, beside the traffic. */
export interface KnownFacts {
  readonly facts: MeshFacts;
  readonly server: ServerFacts;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

export interface MeshAssessment {
  readonly mesh: string;
  readonly assessments: readonly Assessment[];
  /** By `<namespace>/<name>`; undefined = nothing is known. */
  readonly objectives: ReadonlyMap<string, ObjectiveStatus | undefined>;
}

type Part =
  | { readonly type: 'objective'; readonly objective: ServiceLevelObjective }
  | { readonly type: 'rule'; readonly rule: AlertRule };

/** Something to judge, with what has to be read for it. */
type Asked = Part & { readonly questions: readonly SignalQuestion[] };

/** Everything that has to be read, of all parts of the mesh. */
function ask({ mesh, objectives, rules }: Watched, now: number): readonly Asked[] {
  return [
    ...objectives.map(
      (objective): Asked => ({
        ...{ type: 'objective', objective },
        questions: objectiveQuestions(objective, mesh, now),
      }),
    ),
    ...[...rules, ...builtInRules(rules)].map(
      (rule): Asked => ({
        ...{ type: 'rule', rule },
        questions: rule.enabled ? questionsOf(rule, mesh, now) : [],
      }),
    ),
  ];
}

function questionsOf(rule: AlertRule, mesh: string, now: number): readonly SignalQuestion[] {
  if (isSignalRule(rule)) return [signalQuestion(rule, mesh, now)];
  const question = telemetryQuestion(rule, mesh, now);
  return question ? [question] : [];
}

type Readings = { readonly readings: readonly SignalReading[] } | { readonly why: string };

/** Asks once for all. What cannot be read is no reason not to judge the rest. */
async function read(signals: Signals | undefined, questions: readonly SignalQuestion[]): Promise<Readings> {
  if (!signals) return { why: NO_SOURCE };
  if (questions.length === 0) return { readings: [] };
  try {
    return { readings: await signals.read(questions) };
  } catch (error) {
    return { why: `the traffic cannot be read: ${error instanceof Error ? error.message : String(error)}` };
  }
}

/** What every rule and objective of a mesh says now. */
export async function assess(
  watched: Watched,
  known: KnownFacts,
  signals: Signals | undefined,
): Promise<MeshAssessment> {
  const asked = ask(watched, known.now);
  const answer = await read(
    signals,
    asked.flatMap(({ questions }) => questions),
  );
  return judgeAll(watched.mesh, { asked, answer, known });
}

function judgeAll(
  mesh: string,
  { asked, answer, known }: { readonly asked: readonly Asked[]; readonly answer: Readings; readonly known: KnownFacts },
): MeshAssessment {
  const assessments: Assessment[] = [];
  const objectives = new Map<string, ObjectiveStatus | undefined>();
  let at = 0;
  for (const part of asked) {
    const end = at + part.questions.length;
    const one: Readings = 'why' in answer ? answer : { readings: answer.readings.slice(at, end) };
    at = end;
    if (part.type === 'rule') {
      assessments.push(judgeRule(part, { mesh, answer: one, known }));
      continue;
    }
    const { objective, questions } = part;
    const key = `${objective.namespace}/${objective.name}`;
    if ('why' in one) {
      objectives.set(key, undefined);
      assessments.push(notKnown(objective, one.why));
      continue;
    }
    const judged = judgeObjective(objective, mesh, { questions, readings: one.readings });
    objectives.set(key, judged.status);
    assessments.push(judged.assessment);
  }
  return { mesh, assessments, objectives };
}

function judgeRule(
  { rule, questions }: { readonly rule: AlertRule; readonly questions: readonly SignalQuestion[] },
  { mesh, answer, known }: { readonly mesh: string; readonly answer: Readings; readonly known: KnownFacts },
): Assessment {
  if (!rule.enabled) return { ...notKnown(rule, 'it is switched off'), state: 'disabled', others: 'over' };
  const [question] = questions;
  const reading = 'why' in answer ? undefined : answer.readings[0];
  if (isConditionRule(rule)) {
    const telemetry = question && reading ? { question, reading } : undefined;
    const { facts, server } = known;
    const judged = judgeCondition(rule, { mesh, facts, server, telemetry });
    return question && 'why' in answer ? { ...judged, why: answer.why } : judged;
  }
  if (!isSignalRule(rule) || !question || !reading)
    return notKnown(rule, 'why' in answer ? answer.why : 'the traffic was not read');
  return judgeSignal(rule, question, reading);
}

/** Nothing is claimed: what is pending or firing stays as it is. */
const notKnown = (rule: AlertRule | ServiceLevelObjective, why: string): Assessment => ({
  ...{ rule: rule.source, state: 'unknown', why, samples: [], others: 'unknown', forMs: 0, keepFiringMs: 0 },
  description: rule.description,
  runbook: rule.runbook,
});
