export { defineIndex, defineInput, defineQuery, override } from './define.js';
export type { Fork } from './fork.js';
export { Graph } from './graph.js';
export * from './types.js';
