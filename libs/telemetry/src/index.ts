export { METRICS_METHOD, MetricsReceiver, type Reporter, type ReportReceiver } from './metrics-receiver.js';
export * from './model/index.js';
export { PlaintextWatch, type PlaintextWatchOptions } from './plaintext-watch.js';
export { ReportedCounts, type ReportedCountsOptions } from './reported-counts.js';
export * from './stored/index.js';
