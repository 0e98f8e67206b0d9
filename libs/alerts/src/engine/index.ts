export { type Alert, type AlertEvent, type Evolution, evolve, fingerprintOf } from './alerts.js';
export { assess, type KnownFacts, type MeshAssessment, type Watched } from './assess.js';
export { builtInRules } from './built-in.js';
export { NO_SOURCE } from './conditions.js';
export { type Patience, step, UNKNOWN_ENDS_MS } from './lifecycle.js';
export { judgeObjective, type ObjectiveStatus, objectiveQuestions } from './objective.js';
export type { Assessment, Labels, Sample, Unit } from './sample.js';
export { judge, type Verdict } from './verdict.js';
