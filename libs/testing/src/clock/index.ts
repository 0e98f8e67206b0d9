export { HandClock, settled } from './hand-clock.js';
