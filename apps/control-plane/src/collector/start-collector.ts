import type { Clock, Log, Metrics } from '#libs/kernel';
import type { OtlpSettings } from '#libs/observability';
import type { ReportSink } from '#libs/telemetry';
import type { Config } from '../config.schema.js';
import type { OpenDatabase } from '../open-database.js';
import type { ControlPlanePorts, Telemetry } from '../ports.js';
import type { Shutdown } from '../shutdown.js';
import { CollectorProcess } from './collector-process.js';
import type { WorkerSettings } from './frames.js';
import type { ExportSettings } from './mesh-export.js';
import { ReportPipe } from './report-pipe.js';
import { type TagSource, tellTags } from './tell-tags.js';

export interface CollectorOptions {
  readonly settings: WorkerSettings;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly entry?: string | undefined;
  /** Absent = what it exports has no tags. */
  readonly tags?: TagSource | undefined;
}

export interface RunningCollector {
  /** Takes what sidecars report. Never waits, never throws. */
  readonly collect: ReportSink;
  readonly pid: number | undefined;
  /** Resolves when what was taken is written, or could not be in time. */
  stop(): Promise<void>;
}

const TICK_MS = 1_000;

/** Starts the process that makes cells of what sidecars report. */
export function startCollector({ settings, clock, log, metrics, entry, tags }: CollectorOptions): RunningCollector {
  const pipe = new ReportPipe({ clock, metrics });
  const worker = new CollectorProcess({ settings, pipe, clock, log, metrics, entry });
  const stopTicks = clock.every(TICK_MS, () => pipe.tick());
  const stopTags = tags && tellTags(tags, (told) => pipe.tag(told), { clock, log });
  return {
    collect: (report) => pipe.take(report),
    get pid() {
      return worker.pid;
    },
    stop: async () => {
      stopTicks();
      stopTags?.();
      await worker.stop();
    },
  };
}

export interface CollectorWiring {
  readonly config: Config;
  readonly replica: string;
  readonly otlp: OtlpSettings | undefined;
  readonly live: TagSource['live'];
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  readonly ports: ControlPlanePorts;
  readonly shutdown: Shutdown;
}

/**
 * Starts the collector that the settings ask for. To be called before what it collects from: it stops after the streams of
 * sidecars and before the database, so that what they told last is kept.
 */
export async function wireCollector(
  { config, replica, otlp, live, clock, telemetry, ports, shutdown }: CollectorWiring,
  { url: databaseUrl, store }: OpenDatabase,
): Promise<RunningCollector | undefined> {
  if (config.telemetry.collector === 'off') return undefined;
  const { clusterId } = await store.identity();
  const settings = {
    databaseUrl,
    clusterId,
    replica,
    logLevel: config.log.level,
    otlp: otlp && exportSettings(config, otlp),
  };
  const { log, metrics } = telemetry;
  const tags = settings.otlp?.mesh ? { live, meshes: () => store.resources.meshes() } : undefined;
  const collector = startCollector({ settings, clock, log, metrics, entry: ports.collectorEntry, tags });
  shutdown.add('collector', () => collector.stop());
  return collector;
}

function exportSettings({ observability }: Config, otlp: OtlpSettings): ExportSettings {
  const { mesh, traces, metricSeconds } = observability.otlp;
  return { to: { ...otlp, instance: `${otlp.instance}.collector` }, mesh, traces, everySeconds: metricSeconds };
}
