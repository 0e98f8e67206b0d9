import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Metrics } from '#libs/kernel';

const EVERY_MS = 1000;
const RESOLUTION_MS = 10;

/**
 * Measures by how much timers are late, and publishes once a second the worst of that second as a histogram
 * observation, and its 99th percentile and maximum as gauges. @returns stops it
 */
export function watchEventLoop(metrics: Metrics): () => void {
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delay.enable();
  const timer = setInterval(() => {
    // The monitor counts its own interval as well; what is above it is lateness. Nanoseconds.
    const late = (nanoseconds: number): number => Math.max(0, nanoseconds / 1e9 - RESOLUTION_MS / 1000);
    if (delay.count > 0) {
      metrics.gauge('heddle_event_loop_lag_seconds', late(delay.percentile(99)), { quantile: 'p99' });
      metrics.gauge('heddle_event_loop_lag_seconds', late(delay.max), { quantile: 'max' });
      metrics.observe('heddle_event_loop_stall_seconds', late(delay.max));
    }
    delay.reset();
  }, EVERY_MS);
  timer.unref();
  return () => {
    clearInterval(timer);
    delay.disable();
  };
}
