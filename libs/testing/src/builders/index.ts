export * from './big-mesh.js';
export * from './domain.js';
export * from './inputs.js';
export * from './test-mesh.js';
