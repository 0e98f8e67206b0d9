export { createChanges } from './changes.js';
export type * from './diff/fields.js';
export { toManifest } from './document.js';
export type * from './live.js';
export { mergePatch } from './merge-patch.js';
export { FINDINGS, type Finding, type FindingCode, type Severity } from './plan/findings/types.js';
export { OWNER_LABEL } from './plan/prune.js';
export type * from './plan/types.js';
export type * from './types.js';
