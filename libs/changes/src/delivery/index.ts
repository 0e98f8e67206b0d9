export { Deliveries, type DeliveriesDeps } from './deliveries.js';
export { sumDelivery } from './sum.js';
export * from './types.js';
export { fingerprint } from './watch.js';
