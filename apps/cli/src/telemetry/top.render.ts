import type { EdgeDetail, GoldenSignals, Listed, RouteSignals, ServiceDetail, ServiceSignals } from '#libs/telemetry';
import { table } from '../output.js';
import { footer } from './answered.js';
import { failuresOf, inline, SIGNAL_HEAD, signalColumns } from './numbers.js';

/** Services, one a line. */
export function renderServices(answer: Listed<ServiceSignals>): string {
  const rows = answer.items.map((service) => [
    inline(service.namespace === '' ? service.name : `${service.namespace}/${service.name}`),
    ...signalColumns(service),
    failuresOf(service),
  ]);
  return `${table(['service', ...SIGNAL_HEAD, 'what failed'], rows)}\n\n${footer(answer, answer.more, answer.hidden)}`;
}

const head = [...SIGNAL_HEAD, 'what failed'];
const columns = (signals: GoldenSignals): string[] => [...signalColumns(signals), failuresOf(signals)];

const routeTable = (routes: readonly RouteSignals[]): string[] =>
  routes.length === 0
    ? []
    : [
        table(
          ['route', ...head],
          routes.map((one) => [routeName(one.route, one.subset), ...columns(one)]),
        ),
      ];

/** What one caller asks of one service: in all, then by route. */
export function renderEdge(answer: EdgeDetail): string {
  const { caller, callee, total, routes, more } = answer;
  return [
    table(['caller', 'service', ...head], [[callerName(caller), inline(callee), ...columns(total)]]),
    ...routeTable(routes),
    ...(more > 0 ? [`and ${more} more routes`] : []),
    footer(answer),
  ].join('\n\n');
}

/** One service: in all, then by what. */
export function renderService(answer: ServiceDetail): string {
  const { namespace, name, total, routes, callers, instances } = answer;
  const callerRows = callers.map((caller) => [callerName(caller.caller, caller.others), ...columns(caller)]);
  const instanceRows = instances.map((one) => [
    inline(one.instance) || '(none chosen)',
    inline(one.version),
    inline(one.zone),
    ...columns(one),
  ]);
  return [
    table(['service', ...head], [[inline(`${namespace}/${name}`), ...columns(total)]]),
    ...routeTable(routes),
    ...(callerRows.length > 0 ? [table(['caller', ...head], callerRows)] : []),
    ...(instanceRows.length > 0 ? [table(['instance', 'version', 'zone', ...head], instanceRows)] : []),
    footer(answer),
  ].join('\n\n');
}

const routeName = (route: string, subset: string): string =>
  `${inline(route) || '(no route)'}${subset === '' ? '' : ` to ${inline(subset)}`}`;

/** @param others how many are summed up, which the reader may not see */
export const callerName = (caller: string, others?: number): string => {
  if (others !== undefined) return `${others} ${others === 1 ? 'other' : 'others'}`;
  return caller === '' ? '(no identity)' : inline(caller);
};
