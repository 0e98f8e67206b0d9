import type { SignalView } from '#libs/store';

/** What cells of a view are told apart by, beside the service, the outcome and, of edges, the status. */
export const DIMENSIONS = {
  service: [],
  pair: ['caller'],
  edge: ['caller', 'subset', 'route'],
  instance: ['instance', 'version', 'zone'],
  zone: ['callerZone', 'calleeZone'],
} as const satisfies Readonly<Record<SignalView, readonly string[]>>;

/** Keys of a sketch in one bin: latencies of services and routes are kept as they came, the many others within 8 %. */
export const WIDTHS: Readonly<Record<SignalView, number>> = { service: 1, edge: 1, pair: 4, instance: 4, zone: 4 };

export const VIEWS: readonly SignalView[] = ['service', 'pair', 'edge', 'instance', 'zone'];
