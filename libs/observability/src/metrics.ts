import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { ExportedMetric, Labels, Metrics } from '#libs/kernel';
import { watchEventLoop } from './event-loop.js';
import { METRICS, type MetricDefinition } from './metric-table.js';
import { registryPoints } from './registry-points.js';

export interface MetricsOptions {
  /**
   * True: a name, kind or label that {@link METRICS} does not document throws; for tests. False: it is registered
   * with the labels of its first use, because a missing description must not cost a running mesh anything.
   */
  readonly strict?: boolean;
  /** Metrics of the process and of Node's event loop; default true. */
  readonly process?: boolean;
}

/** The kernel's port, with the text that a scraper reads. */
export interface PrometheusMetrics extends Metrics {
  /** Everything in the Prometheus text format. */
  render(): Promise<string>;
  /** `Content-Type` of {@link render}. */
  readonly contentType: string;
  /** The same for other engines. */
  points(): Promise<ExportedMetric[]>;
  /** Stops measuring the process; what was counted can still be rendered. */
  close(): void;
}

export function createMetrics(options: MetricsOptions = {}): PrometheusMetrics {
  const registry = new Registry();
  const instruments = new Instruments(registry, options.strict ?? false);
  const metrics: Metrics = {
    count(name, labels, by) {
      instruments.get('counter', name, labels)?.inc(labels ?? {}, by ?? 1);
    },
    gauge(name, value, labels) {
      instruments.get('gauge', name, labels)?.set(labels ?? {}, value);
    },
    observe(name, value, labels) {
      instruments.get('histogram', name, labels)?.observe(labels ?? {}, value);
    },
  };
  instruments.startAtZero();
  const measured = options.process ?? true;
  if (measured) collectDefaultMetrics({ register: registry });
  const stop = measured ? watchEventLoop(metrics) : () => undefined;
  const startedAt = Date.now() - process.uptime() * 1000;
  return {
    ...metrics,
    render: () => registry.metrics(),
    contentType: registry.contentType,
    points: () => registryPoints(registry, startedAt),
    close: stop,
  };
}

interface InstrumentOf {
  counter: Counter;
  gauge: Gauge;
  histogram: Histogram;
}
type Kind = keyof InstrumentOf;

/** Makes each metric at its first use, as the table describes it. */
class Instruments {
  readonly #registry: Registry;
  readonly #strict: boolean;
  readonly #made = {
    counter: new Map<string, Counter>(),
    gauge: new Map<string, Gauge>(),
    histogram: new Map<string, Histogram>(),
  };
  readonly #labelNames = new Map<string, readonly string[]>();

  constructor(registry: Registry, strict: boolean) {
    this.#registry = registry;
    this.#strict = strict;
  }

  /** Counters without labels are there from the beginning, so that the first increase is seen as one. */
  startAtZero(): void {
    for (const [name, { kind, labels }] of Object.entries(METRICS)) {
      if (kind === 'counter' && !labels) this.get('counter', name, undefined);
    }
  }

  /** @returns undefined when the use contradicts an earlier one and that is tolerated */
  get<K extends Kind>(kind: K, name: string, labels: Labels | undefined): InstrumentOf[K] | undefined;
  get(kind: Kind, name: string, labels: Labels | undefined): InstrumentOf[Kind] | undefined {
    const made = this.#made[kind].get(name) ?? this.#make(kind, name, labels);
    if (made && this.#permits(name, labels)) return made;
    if (this.#strict)
      throw new Error(
        `the metric ${name} is not a ${kind} with the labels ${Object.keys(labels ?? {}).join(', ') || '(none)'}: see METRICS`,
      );
    return undefined;
  }

  #permits(name: string, labels: Labels | undefined): boolean {
    const permitted = this.#labelNames.get(name) ?? [];
    return Object.keys(labels ?? {}).every((label) => permitted.includes(label));
  }

  #make(kind: Kind, name: string, labels: Labels | undefined): InstrumentOf[Kind] | undefined {
    const documented: MetricDefinition | undefined = Object.hasOwn(METRICS, name) ? METRICS[name] : undefined;
    if (this.#strict && !documented) throw new Error(`the metric ${name} is not documented: add it to METRICS`);
    if (this.#registry.getSingleMetric(name)) return undefined;
    const definition = documented ?? { kind, help: `${name} (not documented)`, labels: Object.keys(labels ?? {}) };
    if (definition.kind !== kind) return undefined;
    this.#labelNames.set(name, definition.labels ?? []);
    return this.#register(kind, name, definition);
  }

  #register(kind: Kind, name: string, definition: MetricDefinition): InstrumentOf[Kind] {
    const config = {
      name,
      help: definition.help,
      labelNames: [...(definition.labels ?? [])],
      registers: [this.#registry],
    };
    switch (kind) {
      case 'counter':
        return remember(this.#made.counter, name, new Counter(config));
      case 'gauge':
        return remember(this.#made.gauge, name, new Gauge(config));
      case 'histogram': {
        const buckets = definition.buckets ? { buckets: [...definition.buckets] } : {};
        return remember(this.#made.histogram, name, new Histogram({ ...config, ...buckets }));
      }
    }
  }
}

function remember<T>(made: Map<string, T>, name: string, instrument: T): T {
  made.set(name, instrument);
  return instrument;
}
