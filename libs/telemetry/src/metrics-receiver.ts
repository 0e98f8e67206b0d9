import type { Metrics } from '#libs/kernel';
import type { ReportSink } from './raw-report.js';
import { decodeReport } from './report.js';
import type { ReportedCounts } from './reported-counts.js';

export const METRICS_METHOD = '/envoy.service.metrics.v3.MetricsService/StreamMetrics';

export interface Reporter {
  /**
   * The node that the credential is for. What the client says of its node matters only if the credential is for several.
   * @param claimed `node.id` of the first message, '' without one. @throws to refuse the stream
   */
  nodeOf(claimed: string): string;
}

/** The messages of one stream. */
export interface ReportReceiver {
  /** @throws MalformedMessage, with nothing of the message counted */
  message(bytes: Buffer): void;
  closed(): void;
}

/** Receives what `envoy.stat_sinks.metrics_service` sends, with counters as deltas and without labels. */
export class MetricsReceiver {
  constructor(
    private readonly counts: ReportedCounts,
    private readonly metrics: Metrics,
    /** Is handed each message that could be read, as it came. */
    private readonly sink: ReportSink = () => {},
  ) {}

  open(reporter: Reporter): ReportReceiver {
    let node: ReturnType<ReportedCounts['open']>;
    let name: string | undefined;
    return {
      message: (bytes) => {
        const report = decodeReport(bytes);
        name ??= reporter.nodeOf(report.node ?? '');
        node ??= this.counts.open(name);
        node?.add(report.counters);
        this.metrics.count('heddle_proxy_reports_total');
        this.metrics.count('heddle_proxy_report_bytes_total', {}, bytes.length);
        this.sink({ kind: 'metrics', node: name, log: '', bytes });
      },
      closed: () => node?.close(),
    };
  }
}
