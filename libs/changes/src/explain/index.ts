export { createExplain, type ExplainDeps } from './explain.js';
export type * from './types.js';
