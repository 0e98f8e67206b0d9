/** Metrics of the collector, which the control plane shows among its own: lines of JSON, in the pipe's other direction. */
import { z } from 'zod';
import type { Labels, Metrics } from '#libs/kernel';

const toldSchema = z.tuple([z.literal('count'), z.string(), z.number().min(0), z.record(z.string(), z.string())]);
type Told = z.output<typeof toldSchema>;
const lineSchema = z.array(toldSchema);

/** Nothing else may be told: the collector's connections to Postgres are not the control plane's. */
const OWN = ['heddle_telemetry_', 'heddle_otlp_'];
/** In characters. What is longer is not kept, whatever it is. */
const LONGEST_LINE = 64 * 1024;
const MOST_WAITING = 1_000;
/** So many make a line of some kilobytes. */
const MOST_IN_LINE = 100;

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

  /** Lines that tell what was counted since the last ones; undefined when that is nothing. */
  take(): string | undefined {
    const told = [...this.#counts.values()].map(({ name, value, labels }): Told => ['count', name, value, labels]);
    this.#counts.clear();
    let lines = '';
    for (let at = 0; at < told.length; at += MOST_IN_LINE)
      lines += `${JSON.stringify(told.slice(at, at + MOST_IN_LINE))}\n`;
    return lines === '' ? undefined : lines;
  }
}

/**
 * Takes lines as they come in pieces, and counts what they tell. It never throws, since the control plane would end with
 * it: a line that cannot be read is left out and counted.
 */
export class ToldMetrics {
  #line = '';

  constructor(private readonly metrics: Metrics) {}

  take(text: string): void {
    const [first = '', ...others] = text.split('\n');
    this.#add(first);
    for (const next of others) {
      this.#end();
      this.#add(next);
    }
  }

  /** Of a line that is too long no more is kept than tells that it is. */
  #add(piece: string): void {
    if (this.#line.length <= LONGEST_LINE) this.#line += piece.slice(0, LONGEST_LINE + 1);
  }

  #end(): void {
    const told = this.#line.length > LONGEST_LINE ? undefined : toldIn(this.#line);
    this.#line = '';
    if (told === undefined) this.metrics.count('heddle_telemetry_told_unreadable_total');
    for (const [, name, value, labels] of told ?? []) this.metrics.count(name, labels, value);
  }
}

function toldIn(line: string): readonly Told[] | undefined {
  try {
    return lineSchema.parse(JSON.parse(line));
  } catch {
    return undefined;
  }
}
