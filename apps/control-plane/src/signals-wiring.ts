import type { Clock, Log, Metrics, Tracer } from '#libs/kernel';
import type { Store } from '#libs/store';
import { SignalRollUp } from '#libs/telemetry';
import type { Config } from './config.schema.js';

interface SignalsParts {
  readonly config: Pick<Config, 'telemetry'>;
  readonly store: Pick<Store, 'leases' | 'signals'>;
  readonly replica: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly tracer?: Tracer | undefined;
}

const [SECOND, MINUTE, HOUR, DAY] = [1_000, 60_000, 3_600_000, 86_400_000];
/** In place of a length: single failures. */
const FAILURES = 0;

/** How long buckets are kept, by their length. Milliseconds. */
const keptOf = ({ telemetry }: SignalsParts['config']): readonly (readonly [lengthMs: number, keepMs: number])[] => [
  [FAILURES, telemetry.failureHours * HOUR],
  [10 * SECOND, telemetry.secondHours * HOUR],
  [MINUTE, telemetry.minuteHours * HOUR],
  ...[10 * MINUTE, 3 * HOUR, DAY].map((lengthMs) => [lengthMs, telemetry.days * DAY] as const),
];

/** Keeps telemetry as long as the settings say, and rolls it up. @returns stops that */
export function startSignals(parts: SignalsParts): () => Promise<void> {
  const { config, store, log } = parts;
  const keeping = (async () => {
    for (const [lengthMs, keepMs] of keptOf(config)) await store.signals.keep(lengthMs, keepMs);
  })().catch((error: unknown) =>
    log.warn('how long telemetry is kept could not be set: it stays as it was', { reason: String(error) }),
  );
  const stop = new SignalRollUp(parts).start();
  return async () => {
    await keeping;
    await stop();
  };
}
