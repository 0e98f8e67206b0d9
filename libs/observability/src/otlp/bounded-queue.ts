import type { LogRecordExporter, LogRecordProcessor } from '@opentelemetry/sdk-logs';
import { BatchLogRecordProcessor } from '@opentelemetry/sdk-logs';
import { BatchSpanProcessor, type SpanExporter, type SpanProcessor } from '@opentelemetry/sdk-trace';
import type { Losses } from './losses.js';

/** Spans or records that wait at most, those under way included: some 2 MB. */
const MOST_WAITING = 2_048;
const SAMPLED = 1;
const QUEUE = { maxQueueSize: MOST_WAITING, maxExportBatchSize: 256, scheduledDelayMillis: 1_000 };

/** Counts what goes in and comes out of a batch processor, whose own count of what it drops nobody can read. */
class Waiting {
  #count = 0;

  constructor(private readonly losses: Losses) {}

  /** @returns false when there is no room: it is lost */
  enter(): boolean {
    if (this.#count >= MOST_WAITING) {
      this.losses.full(1);
      return false;
    }
    this.#count += 1;
    return true;
  }

  /** The exporter, whose answers end the wait. */
  around<T, E extends { export(items: T[], done: (result: Result) => void): void }>(exporter: E): E {
    const send = exporter.export.bind(exporter);
    exporter.export = (items, done) =>
      send(items, (result) => {
        this.#count -= items.length;
        this.losses.over(items.length, result);
        done(result);
      });
    return exporter;
  }
}

type Result = Parameters<Parameters<SpanExporter['export']>[1]>[0];

/** Hands spans to the exporter in batches. What finds no room is dropped and counted; nobody waits. */
export function spanQueue(exporter: SpanExporter, losses: Losses): SpanProcessor {
  const waiting = new Waiting(losses);
  const batches = new BatchSpanProcessor({ ...QUEUE, exporter: waiting.around(exporter) });
  return {
    onStart: () => {},
    onEnd: (span) => {
      if ((span.spanContext().traceFlags & SAMPLED) !== 0 && waiting.enter()) batches.onEnd(span);
    },
    forceFlush: () => batches.forceFlush(),
    shutdown: () => batches.shutdown(),
  };
}

/** The same for log records. */
export function recordQueue(exporter: LogRecordExporter, losses: Losses): LogRecordProcessor {
  const waiting = new Waiting(losses);
  const batches = new BatchLogRecordProcessor({ ...QUEUE, exporter: waiting.around(exporter) });
  return {
    onEmit: (record) => {
      if (waiting.enter()) batches.onEmit(record);
    },
    forceFlush: () => batches.forceFlush(),
    shutdown: () => batches.shutdown(),
  };
}
