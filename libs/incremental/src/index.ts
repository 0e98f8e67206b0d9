export { defineIndex, defineInput, defineQuery, override } from './define.js';
export type { Difference } from './evaluation.js';
export type { Fork, PinnedGraph } from './fork.js';
export { Graph } from './graph.js';
export type { Lane } from './lane.js';
export type { Pass } from './pass.js';
export * from './types.js';
