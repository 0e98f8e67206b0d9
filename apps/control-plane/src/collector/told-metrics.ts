/** Metrics of the collector, which the control plane shows among its own: lines of JSON, in the pipe's other direction. */
import type { Labels, Metrics } from '#libs/kernel';

type Told = readonly ['count' | 'gauge', name: string, value: number, labels: Labels];

/** Nothing else may be told: the collector's connections to Postgres are not the control plane's. */
const OWN = ['heddle_telemetry_', 'heddle_otlp_'];
const LONGEST_LINE = 64 * 1024;
const MOST_WAITING = 1_000;

/** Gathers what is counted until it is taken. */
export class GatheredMetrics implements Metrics {
  readonly #counts = new Map<string, { name: string; labels: Labels; value: number }>();

  count(name: string, labels: Labels = {}, by = 1): void {
    if (!OWN.some((prefix) => name.startsWith(prefix))) return;
    const key = `${name} ${JSON.stringify(labels)}`;
    const known = this.#counts.get(key);
    if (known) known.value += by;
    else if (this.#counts.size < MOST_WAITING) this.#counts.set(key, { name, labels, value: by });
  }

  gauge(): void {}

  observe(): void {}

  /** A line that tells what was counted since the last one; undefined when that is nothing. */
  take(): string | undefined {
    const told: Told[] = [...this.#counts.values()].map(({ name, value, labels }) => ['count', name, value, labels]);
    this.#counts.clear();
    return told.length === 0 ? undefined : `${JSON.stringify(told)}\n`;
  }
}

/** Takes lines as they come in pieces, and counts what they tell. */
export class ToldMetrics {
  #rest = '';

  constructor(private readonly metrics: Metrics) {}

  take(text: string): void {
    const lines = (this.#rest + text).split('\n');
    this.#rest = (lines.pop() ?? '').slice(0, LONGEST_LINE);
    for (const line of lines) this.#line(line);
  }

  #line(line: string): void {
    for (const told of JSON.parse(line) as readonly Told[]) {
      const [, name, value, labels] = told;
      this.metrics.count(name, labels, value);
    }
  }
}
