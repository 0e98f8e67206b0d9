export { DEFAULT_LIMITS, type Limits } from './limits.js';
export { type Progress, XdsServer, type XdsServerOptions } from './server.js';
export type { StatusName } from './serving/call.js';
export type { ListenOptions, TlsMaterial } from './serving/transport.js';
export type { XdsCounters } from './serving/work-report.js';
export { Stage, type StagedOptions } from './stage.js';
export * from './types.js';
