import { defineIndex, defineInput, defineQuery } from './define.js';
import type { Graph } from './graph.js';
import type { CellChange } from './types.js';

/** A small graph for tests: routes by service, with a query that cuts off below two that do not. */
export interface Route {
  readonly service: string;
  readonly weight: number;
}

export const route = defineInput<Route>('route');
export const routesByService = defineIndex({ name: 'routesByService', of: route, keysOf: (_, r) => [r.service] });
/** Cuts off: only the sign of the weight passes. */
export const sign = defineQuery({ name: 'sign', run: (ctx, key) => Math.sign(ctx.input(route, key)?.weight ?? 0) });
export const total = defineQuery({
  name: 'total',
  run: (ctx, service) => ctx.index(routesByService, service).reduce((sum, key) => sum + ctx.get(sign, key), 0),
});
export const label = defineQuery({ name: 'label', run: (ctx, service) => `${service}=${ctx.get(total, service)}` });

/** Changes as lines of text, to compare. */
export const lines = (changed: readonly CellChange[]): string[] =>
  changed.map(({ kind, key, value, error }) => `${kind} ${key}: ${error ? error.message : String(value)}`);

/** How many queries ran during an action. */
export function runsOf(graph: Graph, action: () => unknown): number {
  const before = graph.counters.run;
  action();
  return graph.counters.run - before;
}
