export * from './permissions.js';
export * from './rights.js';
export * from './roles.js';
export * from './user-name.js';
