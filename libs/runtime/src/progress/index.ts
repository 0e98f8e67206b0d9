export { ProgressRecorder } from './recorder.js';
export type { Refusal, RevisionProgress } from './tracked.js';
export { ProgressTracker } from './tracker.js';
