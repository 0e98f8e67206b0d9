import type { Log, Metrics } from './ports.js';
import type { Span, Tracer } from './tracer.js';

const nothing = (): void => {};

/** A logger that drops everything: the default where the user of a library passes none. */
export const silentLog: Log = { debug: nothing, info: nothing, warn: nothing, error: nothing, child: () => silentLog };

/** Metrics that count nothing: the default where the user of a library passes none. */
export const silentMetrics: Metrics = { count: nothing, gauge: nothing, observe: nothing };

const silentSpan: Span = { set: nothing, tell: nothing, rename: nothing, fail: nothing };

/** A tracer that keeps nothing, and costs a call: the default where the user of a library passes none. */
export const silentTracer: Tracer = {
  on: false,
  run: (_name, work) => work(silentSpan),
  current: () => undefined,
  record: ({ parent }) => parent,
};
