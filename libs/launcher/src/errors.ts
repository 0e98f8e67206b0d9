/**
 * `#libs/launcher/errors`: what its functions throw, and how the control plane says no, for who has to tell a person: the
 * index loads all that starts a sidecar.
 */
export * from './launcher-error.js';
export * from './problem.js';
