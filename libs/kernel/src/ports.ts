/**
 * The ports through which the core reaches the outside world. `libs/observability` makes them real; tests hand in
 * their own. Nothing below apps reads the clock, logs or counts in another way.
 */

/** Wall clock and timers, injected so that tests can move time. */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number;
  /** Milliseconds from an arbitrary start that never go back; for durations. */
  monotonic(): number;
  /** Runs `task` once after `ms`; the returned function cancels it. Timers never keep the process alive. */
  after(ms: number, task: () => void): () => void;
  /** Runs `task` every `ms`; the returned function stops it. Timers never keep the process alive. */
  every(ms: number, task: () => void): () => void;
}

export type LogFields = Readonly<Record<string, unknown>>;

/** Structured logger: one line of JSON a call; strings from outside go into fields, never into the message. */
export interface Log {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** A logger that adds these fields to every line. */
  child(fields: LogFields): Log;
}

export type Labels = Readonly<Record<string, string>>;

/**
 * Metrics by name. Names follow Prometheus rules with the unit as suffix; labels come from small closed sets, never
 * from proxy ids, stream ids or resource names.
 */
export interface Metrics {
  /** Adds `by` (default 1) to a counter. */
  count(name: string, labels?: Labels, by?: number): void;
  /** Sets a gauge. */
  gauge(name: string, value: number, labels?: Labels): void;
  /** Records one observation of a histogram; seconds for durations, bytes for sizes. */
  observe(name: string, value: number, labels?: Labels): void;
}
