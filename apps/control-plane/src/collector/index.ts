export { type RunningCollector, wireCollector } from './start-collector.js';
