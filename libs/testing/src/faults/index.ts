export { FaultProxy, type FaultProxyOptions, type Target } from './fault-proxy.js';
export { checkHistory, checkSecrecy, type SentWrite, type StoredHistory } from './history.js';
export type { Rewrite } from './link.js';
export { eachMessage, NOTIFICATION } from './postgres-messages.js';
export { type Random, seeded } from './seeded.js';
export type { Way } from './way.js';
