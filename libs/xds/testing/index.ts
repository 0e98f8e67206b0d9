/** For tests of other parts: a stock Envoy under an engine of its own. */
export { BreakableWire } from '../src/testing/breakable-wire.js';
export * from '../src/testing/envoy-rig.js';
export { cluster, endpoints } from '../src/testing/resources.js';
