import type { Clock, Log, Metrics, Tracer } from '#libs/kernel';
import type { PolicyKind } from '#libs/model';
import type { ReportSink } from '#libs/telemetry';
import type { RuntimeDeps, WiredRuntime } from './runtime-wiring.js';

/** Where logs, numbers and spans go, and the text of `/metrics`. */
export interface Telemetry {
  readonly log: Log;
  readonly metrics: Metrics;
  /** Default: one that keeps nothing. */
  readonly tracer?: Tracer;
  exposition(): Promise<{ readonly contentType: string; readonly body: string }>;
  /** Stops measuring the process, and sends what waits. */
  close(): void | Promise<void>;
}

/** What tests may put in place of the product's own parts. */
export interface ControlPlanePorts {
  readonly clock?: Clock;
  readonly telemetry?: Telemetry;
  readonly wireRuntime?: (deps: RuntimeDeps) => Promise<WiredRuntime>;
  readonly policies?: readonly PolicyKind[];
  /** Takes what sidecars report, in place of the collector. */
  readonly collect?: ReportSink;
  /** The program that the collector's process runs. */
  readonly collectorEntry?: string;
  /** Told what is being done, for people who wait. */
  readonly onProgress?: (step: string) => void;
}
