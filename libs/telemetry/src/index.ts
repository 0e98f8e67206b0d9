export { ACCESS_LOG_METHOD, AccessLogReceiver } from './access-logs/access-log-receiver.js';
export { Collector, type CollectorOptions } from './collector/collector.js';
export { HarvestQueue, type HarvestQueueOptions } from './collector/harvest-queue.js';
export { MeshNames } from './collector/mesh-names.js';
export { METRICS_METHOD, MetricsReceiver, type Reporter, type ReportReceiver } from './metrics-receiver.js';
export * from './model/index.js';
export { PlaintextWatch, type PlaintextWatchOptions } from './plaintext-watch.js';
export type { RawReport, ReportSink } from './raw-report.js';
export { ReportedCounts, type ReportedCountsOptions } from './reported-counts.js';
