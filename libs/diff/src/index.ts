export * from './align.js';
export * from './fields.js';
