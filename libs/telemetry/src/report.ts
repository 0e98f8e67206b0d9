import { Reader } from '#libs/envoy-api';
import { MAX_STAT_NAME } from './stat-names.js';

/** envoy.service.metrics.v3.StreamMetricsMessage, and within it io.prometheus.client.MetricFamily. */
const MESSAGE = { identifier: 1, families: 2 };
const FAMILY = { name: 1, metric: 4 };
const METRIC_COUNTER = 3;
const FIRST = 1;

/** Prefixes of the families that may be wanted, as bytes: all others are passed over undecoded. */
const PREFIXES = [Buffer.from('cluster.'), Buffer.from('http.')];

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
    if (field === MESSAGE.families) readFamily(reader.bytes(), counters);
    else if (field === MESSAGE.identifier) node = nodeIdOf(reader.bytes());
    else reader.skip();
  }
  return { node, counters };
}

function readFamily(bytes: Buffer, counters: Counter[]): void {
  const reader = new Reader(bytes);
  let name: string | undefined;
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === FAMILY.name) {
      const written = reader.bytes();
      if (!wanted(written)) return;
      name = written.toString('latin1');
    } else if (field === FAMILY.metric && name !== undefined) {
      const value = counterOf(reader.bytes());
      if (value !== undefined) counters.push({ name, value });
    } else reader.skip();
  }
}

const wanted = (name: Buffer): boolean =>
  name.length <= MAX_STAT_NAME && PREFIXES.some((prefix) => name.subarray(0, prefix.length).equals(prefix));

/** Metric{Counter counter = 3 {double value = 1}}; undefined for a gauge or a histogram. */
function counterOf(metric: Buffer): number | undefined {
  const reader = new Reader(metric);
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === METRIC_COUNTER) return numberOf(reader.bytes());
    reader.skip();
  }
  return undefined;
}

function numberOf(counter: Buffer): number {
  const reader = new Reader(counter);
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === FIRST) return reader.double();
    reader.skip();
  }
  return 0;
}

/** Identifier{Node node = 1 {string id = 1}}; the rest of a node, some 50 KB, is not looked at. */
function nodeIdOf(identifier: Buffer): string {
  const id = firstField(identifier);
  return (id && firstField(id))?.toString('utf8') ?? '';
}

function firstField(bytes: Buffer): Buffer | undefined {
  const reader = new Reader(bytes);
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === FIRST) return reader.bytes();
    reader.skip();
  }
  return undefined;
}
