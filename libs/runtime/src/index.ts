export { Coordinator, type CoordinatorOptions, type PublishedChange } from './coordinator.js';
export * from './gatekeeper.js';
export { MeshHost } from './mesh-host.js';
export * from './options.js';
export * from './progress/index.js';
export * from './questions.js';
export { recompiler } from './recompile.js';
export * from './runtime.js';
export * from './status.js';
