export { failureRecord } from './failure-record.js';
export { MeshTotals } from './mesh-totals.js';
