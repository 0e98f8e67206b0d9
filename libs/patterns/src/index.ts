export { type Baseline, type BaselineSpan, type EdgeBaseline, emptyBaseline } from './facts/baseline.js';
export { baselineOf, UsualMinutes } from './facts/usual-minutes.js';
export { findPatterns } from './find-patterns.js';
export { PATTERN_NAMES, type PatternName } from './names.js';
export { type Tracked, track } from './track.js';
export type * from './types.js';
export type { PatternView } from './view.js';
