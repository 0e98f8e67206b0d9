export { evaluate, explain } from './evaluate.js';
export { type EncodedResource, routingConfigs } from './routing-config.js';
export type * from './types.js';
