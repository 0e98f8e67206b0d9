export { createExplain, type ExplainDeps } from './explain.js';
export { createExplainPast } from './past/past.js';
export type * from './past/types.js';
export type * from './types.js';
