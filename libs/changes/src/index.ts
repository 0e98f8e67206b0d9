export { type Authorize, bySystem, type Denial, type ProposedWrite, type Verdict } from './authorize.js';
export { createChanges } from './changes.js';
export { toManifest } from './document.js';
export { mergePatch } from './merge-patch.js';
export type * from './types.js';
