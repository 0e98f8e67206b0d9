export * from './domain.js';
export * from './manifest.js';
export * from './policy.js';
export * from './registry.js';
