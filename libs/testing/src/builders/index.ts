export * from './big-mesh.js';
export * from './domain.js';
export * from './inputs.js';
export * from './mistaken-registry.js';
export * from './test-mesh.js';
