import { type Log, type Metrics, silentTracer, type Tracer } from '#libs/kernel';
import { loadOtlp, type OtlpSettings, type PipelineOptions } from '#libs/observability';
import { type EdgeTags, failureRecord, type Harvest, MeshTotals } from '#libs/telemetry';

/** What the collector sends to an OpenTelemetry collector. */
export interface ExportSettings {
  readonly to: OtlpSettings;
  /** How requests fare, and those that failed. */
  readonly mesh: boolean;
  /** Its own work. */
  readonly traces: boolean;
  readonly everySeconds: number;
}

export type MeshTags = Readonly<Record<string, EdgeTags>>;

export interface MeshExport {
  readonly tracer: Tracer;
  /** Takes what the collector has made of a bucket; whether the database takes it does not matter here. */
  add(harvest: Harvest): void;
  /** What is said from now on of who calls and is called, by mesh. */
  tag(tags: MeshTags): void;
  /** Sends what waits, for two seconds at most. */
  close(): Promise<void>;
}

const NOTHING: MeshExport = { tracer: silentTracer, add: () => {}, tag: () => {}, close: () => Promise.resolve() };

export async function openMeshExport(
  settings: ExportSettings | undefined,
  { metrics, log }: { readonly metrics: Metrics; readonly log: Log },
): Promise<MeshExport> {
  if (!settings) return NOTHING;
  const options = { settings: settings.to, metrics, log: () => log };
  const { tracePipeline } = await loadOtlp();
  const tracing = settings.traces ? tracePipeline(options) : undefined;
  const { add, tag, close } = settings.mesh ? await meshPipelines(options, settings.everySeconds) : NOTHING;
  return {
    ...{ tracer: tracing?.tracer ?? silentTracer, add, tag },
    close: async () => void (await Promise.all([tracing?.close(), close()])),
  };
}

async function meshPipelines(
  options: PipelineOptions,
  everySeconds: number,
): Promise<Pick<MeshExport, 'add' | 'tag' | 'close'>> {
  const { logPipeline, metricPipeline } = await loadOtlp();
  const totals = new MeshTotals();
  let tags: MeshTags = {};
  const collect = () => Promise.resolve(totals.points());
  const sums = metricPipeline(options, { everyMs: everySeconds * 1_000, collect });
  const failures = logPipeline(options);
  return {
    add(harvest) {
      const { mesh } = harvest;
      totals.add(harvest, tags[mesh]);
      for (const failure of harvest.failures) failures.emit(failureRecord(mesh, failure, tags[mesh]));
    },
    tag(told) {
      tags = told;
    },
    close: async () => void (await Promise.all([sums.close(), failures.close()])),
  };
}
