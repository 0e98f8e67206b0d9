export { PatternWatch } from './pattern-watch.js';
