/** What a list is sorted by, the highest first. */
export const SORTS = ['rate', 'failures', 'failureShare', 'latency', 'retries', 'inFlight'] as const;
export type SignalSort = (typeof SORTS)[number];
