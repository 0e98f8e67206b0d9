/**
 * `#libs/telemetry/names`: what becomes of requests, and what lists are sorted by, for a command line or a browser that
 * needs no more: the index loads the store.
 */
export { isFailure, OUTCOMES } from './model/outcome.js';
export { SORTS } from './stored/sorts.js';
