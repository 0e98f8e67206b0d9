export { AlertJob, type AlertJobOptions } from './alert-job.js';
export { AlertQuestions, type AlertQuestionsOptions, type TestOutcome } from './alert-questions.js';
export { FactsReader, factsOf } from './facts.js';
export { ProxyObserver, type ProxyObserverOptions, type ProxyWatch } from './observer.js';
export { type MeshRules, RuleBook, type RuleBookOptions } from './rule-book.js';
export { type AlertingOptions, type RunningAlerts, startAlerts } from './start.js';
