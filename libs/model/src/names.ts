/**
 * `#libs/model/names`: names that people choose from, for who needs no more. It loads no schema; the index loads all of them,
 * which takes a command line longer than what it then does.
 */
export { RUNTIME_KINDS, VERBS } from './access/permissions.js';
export { AUDIT_ACTIONS } from './audit-actions.js';
export { isFailure, OUTCOMES, type Outcome } from './outcome.js';
