import type { Writable } from 'node:stream';
import type { Clock, Metrics } from '#libs/kernel';
import type { RawReport } from '#libs/telemetry';
import { missedFrame, reportHead, tagsFrame, timeFrame } from './frames.js';
import type { MeshTags } from './mesh-export.js';

export interface ReportPipeOptions {
  readonly clock: Clock;
  readonly metrics: Metrics;
  /** Bytes that may wait for the collector; default 8 MiB: some seconds of what a busy mesh reports. */
  readonly mostBytes?: number;
}

const MOST_BYTES = 8 * 1024 * 1024;

/**
 * The writing end of the pipe to the collector. It never waits: what finds no room is dropped and counted, and the collector
 * is told of the gap as soon as there is room again.
 */
export class ReportPipe {
  #to: Writable | undefined;
  #gap: { since: number; until: number } | undefined;
  #isCorked = false;
  /** What is said of the meshes, and whether this collector knows. */
  #tags: Buffer | undefined;
  #areTagsTold = true;

  constructor(private readonly options: ReportPipeOptions) {}

  /** A collector reads from here on; undefined: none does. */
  connect(to: Writable | undefined): void {
    this.#to = to;
    this.#areTagsTold = this.#tags === undefined;
    this.#tellTags();
  }

  /** Tells this collector, and each that comes after it; what it knows already is not said again. */
  tag(tags: MeshTags): void {
    const frame = tagsFrame(tags);
    if (!frame || this.#tags?.equals(frame)) return;
    this.#tags = frame;
    this.#areTagsTold = false;
    this.#tellTags();
  }

  /** Again with the next tick when there is no room now. */
  #tellTags(): void {
    const to = this.#areTagsTold ? undefined : this.#room();
    if (!to || !this.#tags) return;
    to.write(this.#tags);
    this.#areTagsTold = true;
  }

  /** Of a time before now, of which a collector that is gone has taken what it had with it. */
  missed(since: number): void {
    this.#drop(since);
  }

  take(report: RawReport): void {
    const now = this.options.clock.now();
    const to = this.#room();
    if (!to) {
      this.options.metrics.count('heddle_telemetry_dropped_total', { kind: report.kind });
      this.#drop(now);
      return;
    }
    this.#cork(to);
    this.#tellGap(to);
    to.write(reportHead(report, now));
    to.write(report.bytes);
  }

  /** Tells the collector the time: its buckets end when nothing comes, too. */
  tick(): void {
    const { clock, metrics } = this.options;
    metrics.gauge('heddle_telemetry_pipe_bytes', this.#to?.writableLength ?? 0);
    const to = this.#room();
    if (!to) return;
    this.#tellTags();
    this.#tellGap(to);
    to.write(timeFrame(clock.now()));
  }

  #room(): Writable | undefined {
    const to = this.#to;
    return to?.writable && to.writableLength < (this.options.mostBytes ?? MOST_BYTES) ? to : undefined;
  }

  #drop(since: number): void {
    const now = this.options.clock.now();
    this.#gap = { since: Math.min(since, this.#gap?.since ?? since), until: now };
  }

  #tellGap(to: Writable): void {
    if (!this.#gap) return;
    to.write(missedFrame(this.#gap.since, this.#gap.until));
    this.#gap = undefined;
  }

  /** What comes in one turn of the event loop is written at once. */
  #cork(to: Writable): void {
    if (this.#isCorked) return;
    this.#isCorked = true;
    to.cork();
    setImmediate(() => {
      this.#isCorked = false;
      to.uncork();
    });
  }
}
