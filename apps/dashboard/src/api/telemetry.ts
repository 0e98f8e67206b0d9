/** How requests fare: what pages ask of it. What is shown is asked for again, the sooner the shorter the time looked at. */
import { keepPreviousData, type QueryKey, queryOptions } from '@tanstack/react-query';
import type { PageView, PatternsView, TimelineView } from '#libs/api/views';
import type { Range } from '../ui/range-of';
import { every } from './again';
import { get } from './client';
import type {
  AlertEvent,
  EdgeSignals,
  FailurePage,
  Listed,
  ServiceMap,
  ServiceSignals,
  SignalChart,
  SignalsOfEdge,
  SignalsOfService,
} from './signals';

const SOON_MS = 10_000;
const LATER_MS = 60_000;
const LONG_MS = 3 * 3_600_000;

/** A time that is over does not change. */
const again = ({ isLive, lengthMs }: Range): number | false =>
  isLive ? (lengthMs > LONG_MS ? LATER_MS : SOON_MS) : false;

const pathOf = (mesh: string): string => `/api/v1/meshes/${mesh}/telemetry`;

function asked<T>(mesh: string, path: string, range: Range, query = '') {
  return queryOptions({
    queryKey: ['mesh', mesh, 'telemetry', path, range.query, query] as QueryKey,
    queryFn: ({ signal }) => get<T>(`${pathOf(mesh)}/${path}?${range.query}${query}`, signal),
    refetchInterval: every(again(range)),
    placeholderData: keepPreviousData,
  });
}

const MOST = 500;

export const serviceSignals = (mesh: string, range: Range) =>
  asked<Listed<ServiceSignals>>(mesh, 'services', range, `&limit=${MOST}`);

export const signalsOf = (mesh: string, service: string, range: Range) =>
  asked<SignalsOfService>(mesh, `services/${service}`, range);

/** What one workload asks of one service, `<namespace>/<name>`. @param caller '' = who has no identity */
export const edgeOf = (mesh: string, caller: string, service: string, range: Range) =>
  asked<SignalsOfEdge>(mesh, `edges/${service}`, range, `&caller=${encodeURIComponent(caller)}`);

export interface ChartOf {
  /** `<namespace>/<name>` */
  readonly service?: string;
  /** Steps at most. */
  readonly steps?: number;
}

/** Of the whole mesh, or of a service. */
export function chartOf(mesh: string, { service, steps }: ChartOf, range: Range) {
  const [namespace = '', name = ''] = service?.split('/') ?? [];
  const query = [
    ...(service === undefined ? [] : [`&namespace=${namespace}&service=${name}`]),
    ...(steps === undefined ? [] : [`&step=${Math.max(10, Math.ceil(range.lengthMs / 1_000 / steps))}s`]),
  ];
  return asked<SignalChart>(mesh, 'chart', range, query.join(''));
}

/** What a workload calls, `<namespace>/<name>`. */
export const callsOf = (mesh: string, caller: string, range: Range) =>
  asked<Listed<EdgeSignals>>(mesh, 'edges', range, `&limit=100&caller=${encodeURIComponent(caller)}`);

export const mapOf = (mesh: string, namespace: string, range: Range) =>
  asked<ServiceMap>(mesh, 'map', range, `&limit=${MOST}${namespace === '' ? '' : `&namespace=${namespace}`}`);

export interface FailuresAsked {
  readonly range: Range;
  /** By the API's own names. */
  readonly filter: URLSearchParams;
  /** Of the page before; '' = from the newest. */
  readonly cursor?: string;
}

export function failurePage(
  mesh: string,
  { range, filter, cursor = '' }: FailuresAsked,
  signal: AbortSignal,
): Promise<FailurePage> {
  const rest = filter.size > 0 ? `&${filter}` : '';
  const next = cursor === '' ? '' : `&cursor=${cursor}`;
  return get<FailurePage>(`${pathOf(mesh)}/failures?${range.query}${rest}${next}`, signal);
}

/** @param query `&service=shop/orders`, `&id=...` */
export const patternsOf = (mesh: string, range: Range, query = '') =>
  asked<PatternsView>(mesh, 'patterns', range, query);

export const happeningsOf = (mesh: string, range: Range) => asked<TimelineView>(mesh, 'timeline', range);

/** What began and what ended, the newest 200 since the beginning of the time. */
export const alertEventsOf = (mesh: string, range: Range) =>
  queryOptions({
    queryKey: ['mesh', mesh, 'alerts', 'events', range.query] as QueryKey,
    queryFn: async ({ signal }) => {
      const since = range.from ?? new Date(Date.now() - range.lengthMs).toISOString();
      const path = `/api/v1/meshes/${mesh}/alerts/history?limit=200&since=${encodeURIComponent(since)}`;
      return (await get<PageView<AlertEvent>>(path, signal)).items;
    },
    refetchInterval: every(again(range)),
    placeholderData: keepPreviousData,
  });
