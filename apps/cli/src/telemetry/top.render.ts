import type { Listed, ServiceDetail, ServiceSignals } from '#libs/telemetry';
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

/** One service: in all, then by what. */
export function renderService(answer: ServiceDetail): string {
  const { namespace, name, total, routes, callers, instances } = answer;
  const head = [...SIGNAL_HEAD, 'what failed'];
  const columns = (signals: (typeof routes)[number] | (typeof callers)[number] | typeof total): string[] => [
    ...signalColumns(signals),
    failuresOf(signals),
  ];
  const routeRows = routes.map((route) => [routeName(route.route, route.subset), ...columns(route)]);
  const callerRows = callers.map((caller) => [callerName(caller.caller, caller.others), ...columns(caller)]);
  const instanceRows = instances.map((one) => [
    inline(one.instance) || '(none chosen)',
    inline(one.version),
    inline(one.zone),
    ...columns(one),
  ]);
  return [
    table(['service', ...head], [[inline(`${namespace}/${name}`), ...columns(total)]]),
    ...(routeRows.length > 0 ? [table(['route', ...head], routeRows)] : []),
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
