import type { RouteSignals } from './answers.js';
import type { Sight } from './sight.js';
import type { SignalReader } from './signal-reader.js';
import { type GoldenSignals, Tally } from './tally.js';
import { WIDTHS } from './views.js';
import { secondsOf, type Window } from './window.js';

const SEPARATOR = '\n';

export interface RoutesRequest {
  readonly mesh: string;
  readonly namespace: string;
  readonly service: string;
  readonly window: Window;
  /** `<namespace>/<workload>`: only what this one asks; '' = who has no identity; absent = everybody. */
  readonly caller?: string | undefined;
}

/** What one workload asks of one service. */
export interface EdgeRequest extends Omit<RoutesRequest, 'window'> {
  readonly sight: Sight;
  readonly caller: string;
  /** No step of its chart is shorter. Milliseconds. */
  readonly stepMs?: number | undefined;
}

export interface SignalsByRoute {
  /** Of all routes together. */
  readonly total: GoldenSignals;
  /** In no order. */
  readonly routes: readonly RouteSignals[];
}

/** How what is asked of one service fares, by the routes that it took. */
export async function readRoutes(reader: SignalReader, ask: RoutesRequest): Promise<SignalsByRoute> {
  const { mesh, namespace, service, window, caller } = ask;
  const tallies = await reader.totals(
    { mesh, view: 'edge', window, prefix: `${namespace}/${service}/` },
    (_, { dimensions: [by = '', subset = '', route = ''] }) =>
      caller === undefined || by === caller ? route + SEPARATOR + subset : undefined,
  );
  const seconds = secondsOf(window.spans);
  const total = new Tally('requests', WIDTHS.edge);
  const routes = [...tallies].map(([key, tally]): RouteSignals => {
    total.merge(tally);
    const [route = '', subset = ''] = key.split(SEPARATOR);
    return { route, subset, ...tally.signals(seconds) };
  });
  return { total: total.signals(seconds), routes };
}
