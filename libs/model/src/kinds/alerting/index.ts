export { alertReceiverKind } from './alert-receiver.js';
export { alertRuleKind } from './alert-rule.js';
export { serviceLevelObjectiveKind, standardWindows } from './service-level-objective.js';
