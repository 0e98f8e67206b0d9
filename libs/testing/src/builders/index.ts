export * from './domain.js';
export * from './inputs.js';
export * from './test-mesh.js';
