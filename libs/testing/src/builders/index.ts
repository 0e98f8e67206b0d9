export * from './domain.js';
export * from './test-mesh.js';
export * from './inputs.js';
