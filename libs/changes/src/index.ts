export { type Authorize, bySystem, type Denial, type ProposedWrite, type WriteVerdict } from './authorize.js';
export { createChanges } from './changes.js';
export { toManifest } from './document.js';
export * from './explain/index.js';
export type * from './live.js';
export { mergePatch } from './merge-patch.js';
export * from './replay/index.js';
export type * from './types.js';
