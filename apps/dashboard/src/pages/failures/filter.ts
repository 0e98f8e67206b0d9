import { NONE } from '../../signals/failures-href';

/** What the failures page is asked for by its address: the API's own names, so that one can be made of the other. */
export const FILTERS = [
  'callee',
  'caller',
  'outcome',
  'status',
  'flag',
  'path',
  'route',
  'instance',
  'requestId',
] as const;

export type FilterName = (typeof FILTERS)[number];

export const FILTER_WORDS: Readonly<Record<FilterName, string>> = {
  callee: 'Service',
  caller: 'Caller',
  outcome: 'How it failed',
  status: 'Status',
  flag: 'Envoy flag',
  path: 'Path holds',
  route: 'Route',
  instance: 'Instance',
  requestId: 'Request id',
};

/** As the API takes it: `-` for a caller without an identity, or no route, is nothing there. */
export const askedBy = (filter: URLSearchParams): URLSearchParams =>
  new URLSearchParams([...filter].map(([name, value]) => [name, value === NONE ? '' : value]));

/** Of an address, those that the API knows and that say something. */
export function filterOf(params: URLSearchParams): URLSearchParams {
  const found = FILTERS.flatMap((name): [string, string][] => {
    const value = params.get(name)?.trim() ?? '';
    return value === '' ? [] : [[name, value]];
  });
  return new URLSearchParams(found);
}
