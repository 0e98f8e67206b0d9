export { DEFAULT_LIMITS, type Limits } from './limits.js';
export { type Progress, XdsServer, type XdsServerOptions } from './server.js';
export type { XdsCounters } from './serving/work-report.js';
export { Stage, type StagedOptions } from './stage.js';
export type { StatusName } from './transport/call.js';
export type { TlsMaterial } from './transport/carrier.js';
export type { ListenOptions } from './transport/listener.js';
export * from './types.js';
