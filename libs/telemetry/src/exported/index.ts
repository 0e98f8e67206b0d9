export { type EdgeTags, edgeTags } from './edge-tags.js';
export { failureRecord } from './failure-record.js';
export { MeshTotals } from './mesh-totals.js';
