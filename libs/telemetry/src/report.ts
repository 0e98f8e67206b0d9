import { Reader } from '#libs/envoy-api';
import { MAX_STAT_NAME } from './stat-names.js';

/** envoy.service.metrics.v3.StreamMetricsMessage, and within it io.prometheus.client.MetricFamily. */
const MESSAGE = { identifier: 1, families: 2 };
const FAMILY = { name: 1, metric: 4 };
const METRIC_COUNTER = 3;
const FIRST = 1;

export interface Counter {
  /** As `/stats` shows it. */
  readonly name: string;
  readonly value: number;
}

export interface Report {
  /** `node.id`, which only the first message of a stream has. */
  readonly node: string | undefined;
  readonly counters: readonly Counter[];
}

/** Reads one message of a metrics sink: the node's id, and counters of clusters and HTTP servers. @throws MalformedMessage */
export function decodeReport(bytes: Buffer): Report {
  let node: string | undefined;
  const counters: Counter[] = [];
  const reader = new Reader(bytes);
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === MESSAGE.families) readFamily(reader.message(), counters);
    else if (field === MESSAGE.identifier) node = nodeIdOf(reader.message());
    else reader.skip();
  }
  return { node, counters };
}

function readFamily(reader: Reader, counters: Counter[]): void {
  let name: string | undefined;
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === FAMILY.name) {
      name = reader.string('latin1');
      if (!wanted(name)) return;
    } else if (field === FAMILY.metric && name !== undefined) {
      const value = counterOf(reader.message());
      if (value !== undefined) counters.push({ name, value });
    } else reader.skip();
  }
}

/** Families of other names are passed over undecoded. */
const wanted = (name: string): boolean =>
  name.length <= MAX_STAT_NAME && (name.startsWith('cluster.') || name.startsWith('http.'));

/** Metric{Counter counter = 3 {double value = 1}}; undefined for a gauge or a histogram. */
function counterOf(metric: Reader): number | undefined {
  return seek(metric, METRIC_COUNTER) ? numberOf(metric.message()) : undefined;
}

const numberOf = (counter: Reader): number => (seek(counter, FIRST) ? counter.double() : 0);

/** Identifier{Node node = 1 {string id = 1}}; the rest of a node, some 50 KB, is not looked at. */
function nodeIdOf(identifier: Reader): string {
  if (!seek(identifier, FIRST)) return '';
  const node = identifier.message();
  return seek(node, FIRST) ? node.string() : '';
}

/** Goes on to the field of this number. @returns false if there is none */
function seek(reader: Reader, number: number): boolean {
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === number) return true;
    reader.skip();
  }
  return false;
}
