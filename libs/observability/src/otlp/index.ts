export { logPipeline, metricPipeline, tracePipeline } from './pipelines.js';
