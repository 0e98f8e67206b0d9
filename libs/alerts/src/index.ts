export * from './delivery/index.js';
export * from './engine/index.js';
export * from './jobs/index.js';
export * from './ports.js';
export { prometheusRules, type WatchedRules } from './prometheus/rules.js';
export { type Dispatch, type Dispatching, type DueNotification, dispatch, receiverKey } from './routing/dispatch.js';
export { interestOf, matching, silencedBy } from './routing/matching.js';
export type * from './views.js';
