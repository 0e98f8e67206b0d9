import { admitNode } from '#libs/identity';
import type { Clock, Log, Metrics, RequestCounts } from '#libs/kernel';
import { claimsOf } from '#libs/runtime';
import type { Store } from '#libs/store';
import {
  ACCESS_LOG_METHOD,
  AccessLogReceiver,
  METRICS_METHOD,
  MetricsReceiver,
  PlaintextWatch,
  ReportedCounts,
  type ReportSink,
} from '#libs/telemetry';
import { Denied, type Principal, type ReportMethod } from '#libs/xds';

export interface WiredMetrics {
  /** Served beside the discovery services. */
  readonly reports: readonly ReportMethod[];
  readonly counts: RequestCounts;
  stop(): Promise<void>;
}

export interface MetricsDeps {
  readonly store: Pick<Store, 'plaintext'>;
  /** Takes every message as it came; without one, access logs are read and forgotten. */
  readonly collect?: ReportSink | undefined;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** An Envoy has a stream for each log on each of its threads. */
const LOG_STREAMS = 100;
/** A sidecar whose every call fails tells a few thousand failures a second. */
const LOG_BYTES_PER_SECOND = 1 << 20;

/** Sidecars report their request counts, and requests, where their configuration comes from. */
export function wireMetrics({ store, clock, log, metrics, collect = () => {} }: MetricsDeps): WiredMetrics {
  const counts = new ReportedCounts({ clock, metrics });
  const plaintext = new PlaintextWatch({ counts, uses: store.plaintext, clock, log });
  const receiver = new MetricsReceiver(counts, metrics, collect);
  const logReceiver = new AccessLogReceiver(collect, metrics);
  const reports: ReportMethod[] = [
    {
      path: METRICS_METHOD,
      open: ({ principal }) => receiver.open({ nodeOf: (claimed) => nodeOf(principal, claimed) }),
    },
    {
      path: ACCESS_LOG_METHOD,
      limits: {
        streamsPerPrincipal: LOG_STREAMS,
        openBurst: LOG_STREAMS,
        reportBytesPerSecond: LOG_BYTES_PER_SECOND,
      },
      open: ({ principal }) => logReceiver.open({ nodeOf: (claimed) => nodeOf(principal, claimed) }),
    },
  ];
  return {
    reports,
    counts,
    stop: async () => {
      counts.stop();
      await plaintext.stop();
    },
  };
}

/** A credential for one instance says which; one for several is asked whether it is for the instance named (SEC-1). */
function nodeOf(principal: Principal, claimed: string): string {
  if (!principal.shared) return principal.id;
  const admitted = admitNode(claimsOf(principal), claimed);
  if (!admitted.ok) throw new Denied('PERMISSION_DENIED', admitted.error);
  return claimed;
}
