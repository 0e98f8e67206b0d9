import { type ChildProcess, spawn } from 'node:child_process';
import { constants, getPriority, setPriority } from 'node:os';
import { join } from 'node:path';
import { Duplex } from 'node:stream';
import type { Clock, Log, Metrics } from '#libs/kernel';
import { startFrame, type WorkerSettings } from './frames.js';
import type { ReportPipe } from './report-pipe.js';
import { ToldMetrics } from './told-metrics.js';

export interface CollectorProcessOptions {
  readonly settings: WorkerSettings;
  readonly pipe: ReportPipe;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  /** What is run; default: the collector. */
  readonly entry?: string | undefined;
}

const ENTRY = join(import.meta.dirname, 'worker.js');
/** The pipe, as the collector sees it. */
export const PIPE_FD = 3;
const MEMORY_MB = 512;
const RESTART_MS = 1_000;
const LONGEST_RESTART_MS = 30_000;
/** Who has run for so long begins with the shortest pause again. */
const HEALTHY_MS = 60_000;
/** It needs so long for its last bucket at most; then it is ended. */
const STOP_MS = 8_000;
/** What it had not written yet when it died began so long before. */
const LOST_MS = 20_000;

/** The collector as a process of its own: it is started, started again when it has died, and ends when its pipe ends. */
export class CollectorProcess {
  #child: ChildProcess | undefined;
  #restartMs = RESTART_MS;
  #cancelRestart = (): void => {};
  #stopping = false;

  constructor(private readonly options: CollectorProcessOptions) {
    this.#start();
  }

  /** Process id while it runs. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Ends its pipe, so that it writes what it has; resolves when it is gone. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#cancelRestart();
    const child = this.#child;
    this.options.pipe.connect(undefined);
    if (!child) return;
    const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    pipeOf(child)?.end();
    const cancel = this.options.clock.after(STOP_MS, () => child.kill('SIGKILL'));
    await gone;
    cancel();
  }

  #start(): void {
    const { clock, metrics, settings, pipe, entry = ENTRY } = this.options;
    const startedAt = clock.monotonic();
    const flags = ['--enable-source-maps', `--max-old-space-size=${MEMORY_MB}`];
    const child = spawn(process.execPath, [...flags, entry], { stdio: ['ignore', 'inherit', 'inherit', 'pipe'] });
    this.#child = child;
    metrics.count('heddle_telemetry_collector_starts_total');
    const once = onceOnly((reason: string) => this.#ended(reason, clock.monotonic() - startedAt));
    child.once('error', (error) => once(String(error)));
    child.once('exit', (code, signal) => once(signal ?? `code ${code}`));
    const to = pipeOf(child);
    if (!to || child.pid === undefined) return;
    yieldTo(child.pid);
    const told = new ToldMetrics(metrics);
    // Writing to one that has just died is no error of ours: its end is told by `exit`.
    to.on('error', () => {});
    to.setEncoding('utf8').on('data', (text: string) => told.take(text));
    to.write(startFrame(settings));
    pipe.connect(to);
    metrics.gauge('heddle_telemetry_collector_up', 1);
  }

  #ended(reason: string, ranMs: number): void {
    const { clock, log, metrics, pipe } = this.options;
    this.#child = undefined;
    pipe.connect(undefined);
    metrics.gauge('heddle_telemetry_collector_up', 0);
    if (this.#stopping) return;
    pipe.missed(clock.now() - LOST_MS);
    if (ranMs > HEALTHY_MS) this.#restartMs = RESTART_MS;
    log.warn('the collector has ended and is started again', { reason, inMs: this.#restartMs });
    this.#cancelRestart = clock.after(this.#restartMs, () => this.#start());
    this.#restartMs = Math.min(LONGEST_RESTART_MS, this.#restartMs * 2);
  }
}

function pipeOf(child: ChildProcess): Duplex | undefined {
  const pipe = child.stdio[PIPE_FD];
  return pipe instanceof Duplex ? pipe : undefined;
}

/** Configuration comes first: on a busy machine the collector waits. */
function yieldTo(pid: number): void {
  try {
    setPriority(pid, Math.max(getPriority(), constants.priority.PRIORITY_BELOW_NORMAL));
  } catch {
    // It is gone already, which `exit` tells, or this system has no priorities.
  }
}

function onceOnly<T>(act: (value: T) => void): (value: T) => void {
  let isDone = false;
  return (value) => {
    if (!isDone) act(value);
    isDone = true;
  };
}
