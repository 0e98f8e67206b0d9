export * from './gatekeeper.js';
export * from './options.js';
export * from './progress.js';
export * from './questions.js';
export * from './runtime.js';
export * from './status.js';
