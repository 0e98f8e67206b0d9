import type { Metrics } from '#libs/kernel';
import type { PlaintextUses, Signals } from '#libs/store';
import type {
  Answered,
  EdgeDetail,
  EdgeSignals,
  FailurePage,
  InstanceSignals,
  Listed,
  RouteSignals,
  ServiceDetail,
  ServiceMap,
  ServiceSignals,
  SignalChart,
  ZoneSignals,
} from './answers.js';
import { type ChartRequest, readChart, type Selection, seesAsked } from './chart.js';
import { EdgeKeys } from './edges.js';
import { type FailureSearch, searchFailures } from './failure-search.js';
import { instanceOf, printed, serviceOf } from './names.js';
import { highest } from './order.js';
import { type EdgeRequest, readRoutes } from './routes.js';
import { readMap } from './service-map.js';
import { OTHERS, type Sight } from './sight.js';
import { SignalReader } from './signal-reader.js';
import type { SignalSort } from './sorts.js';
import type { GoldenSignals } from './tally.js';
import { chartWindow, FEW_BUCKETS, secondsOf, totalWindow, type Window } from './window.js';

export interface SignalQueriesOptions {
  readonly signals: Pick<Signals, 'times' | 'buckets' | 'read' | 'incomplete' | 'failures'>;
  readonly plaintext: Pick<PlaintextUses, 'seen'>;
  readonly metrics: Metrics;
}

/** Which time is asked about; the newest quarter of an hour unless it says otherwise. */
export interface TimeRequest {
  /** Milliseconds since the epoch; absent = `sinceMs` before `to`. */
  readonly from?: number | undefined;
  /** Milliseconds since the epoch, the first moment after; absent = now, by Postgres's clock. */
  readonly to?: number | undefined;
  /** Milliseconds. */
  readonly sinceMs?: number | undefined;
}

export interface ListRequest extends TimeRequest {
  readonly mesh: string;
  readonly sight: Sight;
  readonly sort: SignalSort;
  /** At most so many. */
  readonly limit: number;
}

const DEFAULT_SINCE_MS = 15 * 60_000;
const LONGEST_MS = 400 * 86_400_000;
/** Of each kind in the page of a service. */
const MOST_OF_SERVICE = 100;
const SEPARATOR = '\n';

const prefixOf = ({ namespace, service }: Selection): string | undefined => {
  if (namespace === undefined) return undefined;
  return service === undefined ? `${namespace}/` : `${namespace}/${service}/`;
};

/** Golden signals, the map and failures, as one reader may know them: of what is stored, by Postgres's clock. */
export class SignalQueries {
  readonly #reader: SignalReader;

  constructor(private readonly options: SignalQueriesOptions) {
    this.#reader = new SignalReader(options.signals, options.metrics);
  }

  async services(ask: ListRequest & Pick<Selection, 'namespace'>): Promise<Listed<ServiceSignals>> {
    const { mesh, sight } = ask;
    const window = await this.#total(ask);
    const hidden = new Set<string>();
    const tallies = await this.#reader.totals({ mesh, view: 'service', window, prefix: prefixOf(ask) }, (callee) => {
      const service = serviceOf(callee);
      if (sight.service(service.namespace, service.name)) return printed(service);
      hidden.add(printed(service));
      return undefined;
    });
    const seconds = secondsOf(window.spans);
    const items = [...tallies].map(([key, tally]): ServiceSignals => {
      const [namespace = '', name = ''] = key.includes('/') ? key.split('/') : ['', key];
      return { namespace, name, ...tally.signals(seconds) };
    });
    return this.#listed({ ...ask, window, hidden: hidden.size }, items, printed);
  }

  /** @returns undefined unless the reader may see the service. What is not known of it is empty. */
  async service(
    ask: Omit<ListRequest, 'limit' | 'sort'> & {
      readonly namespace: string;
      readonly service: string;
      readonly stepMs?: number | undefined;
    },
  ): Promise<ServiceDetail | undefined> {
    const { mesh, sight, namespace, service: name } = ask;
    if (!sight.service(namespace, name)) return undefined;
    const times = await this.options.signals.times(mesh);
    const asked = timeOf(ask, times.now);
    const [window, chart] = [totalWindow(times, asked), chartWindow(times, asked, ask.stepMs)];
    const prefix = prefixOf({ namespace, service: name });
    const of = { mesh, window, prefix };
    const [total, points, { routes }, callers, instances, answered] = await Promise.all([
      this.#reader.totals({ ...of, view: 'service' }, () => ''),
      this.#reader.chart({ mesh, view: 'service', window: chart, prefix }),
      readRoutes(this.#reader, { mesh, namespace, service: name, window }),
      this.#callers(of, sight),
      this.#instances({ ...of, sight }),
      this.#answered(mesh, window),
    ]);
    const none: GoldenSignals = { rate: 0, count: 0, failures: 0, failureShare: 0, outcomes: [] };
    const most = <T extends GoldenSignals>(items: readonly T[], nameOf: (item: T) => string): readonly T[] =>
      highest(items, 'rate', nameOf).slice(0, MOST_OF_SERVICE);
    return {
      ...{ namespace, name, ...answered },
      total: total.get('')?.signals(secondsOf(window.spans)) ?? none,
      chart: { from: isoOf(chart.from), to: isoOf(chart.to), stepMs: chart.stepMs, points },
      routes: most(routes, nameOfRoute),
      callers: most(callers, ({ caller }) => caller),
      instances: most(instances.items, ({ instance }) => instance),
    };
  }

  /** Over time. @returns undefined unless the reader may see what he names */
  async chart(ask: ChartRequest & TimeRequest): Promise<SignalChart | undefined> {
    const times = await this.options.signals.times(ask.mesh);
    const isOfService = ask.service !== undefined && ask.caller === undefined;
    const window = chartWindow(times, timeOf(ask, times.now), ask.stepMs, isOfService ? undefined : FEW_BUCKETS);
    return seesAsked(ask) ? readChart(this.#reader, { ...ask, window, prefix: prefixOf(ask) }) : undefined;
  }

  /** One edge, by route. @returns undefined unless the reader may see both ends. What is not known of it is empty. */
  async edge(ask: EdgeRequest & TimeRequest): Promise<EdgeDetail | undefined> {
    if (!seesAsked(ask)) return undefined;
    const { mesh, namespace, service, caller } = ask;
    const times = await this.options.signals.times(mesh);
    const asked = timeOf(ask, times.now);
    const [window, steps] = [totalWindow(times, asked), chartWindow(times, asked, ask.stepMs, FEW_BUCKETS)];
    const [chart, { total, routes }, answered] = await Promise.all([
      readChart(this.#reader, { ...ask, window: steps, prefix: prefixOf(ask) }),
      readRoutes(this.#reader, { mesh, namespace, service, caller, window }),
      this.#answered(mesh, window),
    ]);
    const worst = highest(routes, 'failures', nameOfRoute).slice(0, MOST_OF_SERVICE);
    const more = routes.length - worst.length;
    return { caller, callee: `${namespace}/${service}`, ...answered, total, chart, routes: worst, more };
  }

  /** @param ask `caller`: only by this one, `<namespace>/<workload>` */
  async edges(ask: ListRequest & Selection & { readonly caller?: string | undefined }): Promise<Listed<EdgeSignals>> {
    const { mesh, sight, caller } = ask;
    const window = await this.#total(ask);
    const keys = new EdgeKeys(sight);
    const tallies = await this.#reader.totals({ mesh, view: 'pair', window, prefix: prefixOf(ask) }, keys.keyOf);
    const seconds = secondsOf(window.spans);
    const items = [...tallies].map(([key, tally]) => keys.edge(key, tally, seconds));
    // Whoever asks for a place by its name is not told of what he may not see there.
    const meant = items.filter(
      (edge) =>
        (caller === undefined || edge.caller === caller) && (ask.namespace === undefined || edge.callee !== OTHERS),
    );
    return this.#listed({ ...ask, window, hidden: keys.hidden }, meant, nameOfEdge);
  }

  async instances(ask: ListRequest & Selection): Promise<Listed<InstanceSignals>> {
    const window = await this.#total(ask);
    const { items, hidden } = await this.#instances({ ...ask, window, prefix: prefixOf(ask) });
    return this.#listed({ ...ask, window, hidden }, items, ({ service, instance }) => `${service} ${instance}`);
  }

  async zones(ask: ListRequest & Selection): Promise<Listed<ZoneSignals>> {
    const { mesh, sight } = ask;
    const window = await this.#total(ask);
    const hidden = new Set<string>();
    const tallies = await this.#reader.totals(
      { mesh, view: 'zone', window, prefix: prefixOf(ask) },
      (callee, { dimensions: [callerZone = '', calleeZone = ''] }) => {
        const service = serviceOf(callee);
        if (sight.service(service.namespace, service.name)) return callerZone + SEPARATOR + calleeZone;
        hidden.add(printed(service));
        return undefined;
      },
    );
    const seconds = secondsOf(window.spans);
    const items = [...tallies].map(([key, tally]): ZoneSignals => {
      const [callerZone = '', calleeZone = ''] = key.split(SEPARATOR);
      return { callerZone, calleeZone, ...tally.signals(seconds) };
    });
    return this.#listed(
      { ...ask, window, hidden: hidden.size },
      items,
      (zones) => `${zones.callerZone} ${zones.calleeZone}`,
    );
  }

  /** Who calls whom: the busiest edges, with what is at their ends. */
  async map(ask: Omit<ListRequest, 'sort'> & Pick<Selection, 'namespace'>): Promise<ServiceMap> {
    const { signals, plaintext } = this.options;
    const times = await signals.times(ask.mesh);
    const window = totalWindow(times, timeOf(ask, times.now));
    const recent = totalWindow(times, timeOf({ to: window.to }, times.now));
    const parts = { reader: this.#reader, plaintext };
    const [map, answered] = await Promise.all([
      readMap(parts, { ...ask, window, recent }),
      this.#answered(ask.mesh, window),
    ]);
    return { ...answered, ...map };
  }

  async failures(ask: FailureSearch & TimeRequest): Promise<FailurePage> {
    const { now } = await this.options.signals.times(ask.mesh);
    const { from, to } = timeOf(ask, now);
    const page = await searchFailures(this.options.signals, { ...ask, from, to });
    return { from: isoOf(from), to: isoOf(to), ...page };
  }

  async #total(ask: TimeRequest & { readonly mesh: string }): Promise<Window> {
    const times = await this.options.signals.times(ask.mesh);
    return totalWindow(times, timeOf(ask, times.now));
  }

  async #callers(
    of: { mesh: string; window: Window; prefix: string | undefined },
    sight: Sight,
  ): Promise<readonly EdgeSignals[]> {
    const keys = new EdgeKeys(sight);
    const tallies = await this.#reader.totals({ ...of, view: 'pair' }, keys.keyOf);
    const seconds = secondsOf(of.window.spans);
    return [...tallies].map(([key, tally]) => keys.edge(key, tally, seconds));
  }

  async #instances(of: {
    mesh: string;
    window: Window;
    prefix: string | undefined;
    sight: Sight;
  }): Promise<{ readonly items: readonly InstanceSignals[]; readonly hidden: number }> {
    const { mesh, window, prefix, sight } = of;
    const hidden = new Set<string>();
    const tallies = await this.#reader.totals({ mesh, view: 'instance', window, prefix }, (callee, { dimensions }) => {
      const service = serviceOf(callee);
      const [instance = '', version = '', zone = ''] = dimensions;
      const named = instanceOf(instance);
      const isSeen =
        sight.service(service.namespace, service.name) && (!named || sight.instance(named.namespace, named.name));
      if (isSeen) return [printed(service), instance, version, zone].join(SEPARATOR);
      hidden.add(`${callee} ${instance}`);
      return undefined;
    });
    const seconds = secondsOf(window.spans);
    const items = [...tallies].map(([key, tally]): InstanceSignals => {
      const [service = '', instance = '', version = '', zone = ''] = key.split(SEPARATOR);
      return { instance, service, version, zone, ...tally.signals(seconds) };
    });
    return { items, hidden: hidden.size };
  }

  async #answered(mesh: string, window: Window): Promise<Answered> {
    const incomplete = await this.#reader.isIncomplete(mesh, window);
    return { from: isoOf(window.from), to: isoOf(window.to), incomplete };
  }

  async #listed<T extends GoldenSignals>(
    {
      mesh,
      window,
      sort,
      limit,
      namespace,
      hidden,
    }: ListRequest & Selection & { readonly window: Window; readonly hidden: number },
    items: readonly T[],
    nameOf: (item: T) => string,
  ): Promise<Listed<T>> {
    const sorted = highest(items, sort, nameOf);
    const more = Math.max(0, sorted.length - limit);
    const answered = await this.#answered(mesh, window);
    // By its name nobody learns that there is something which he may not see.
    return { ...answered, items: sorted.slice(0, limit), more, hidden: namespace === undefined ? hidden : 0 };
  }
}

const nameOfEdge = ({ caller, callee }: EdgeSignals): string => `${caller} ${callee}`;

const nameOfRoute = ({ route, subset }: RouteSignals): string => `${route} ${subset}`;

const isoOf = (at: number): string => new Date(at).toISOString();

function timeOf({ from, to, sinceMs = DEFAULT_SINCE_MS }: TimeRequest, now: number): { from: number; to: number } {
  const end = Math.min(to ?? now, now);
  return { from: Math.max(Math.min(from ?? end - sinceMs, end), now - LONGEST_MS), to: end };
}
