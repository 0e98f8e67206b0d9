import type { Log, Metrics } from './ports.js';

const nothing = (): void => {};

/** A logger that drops everything: the default where the user of a library passes none. */
export const silentLog: Log = { debug: nothing, info: nothing, warn: nothing, error: nothing, child: () => silentLog };

/** Metrics that count nothing: the default where the user of a library passes none. */
export const silentMetrics: Metrics = { count: nothing, gauge: nothing, observe: nothing };
