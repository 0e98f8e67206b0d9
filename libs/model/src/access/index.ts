export * from './permissions.js';
export * from './rights.js';
export * from './roles.js';
