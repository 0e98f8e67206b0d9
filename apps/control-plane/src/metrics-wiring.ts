import { admitNode } from '#libs/identity';
import type { Clock, Log, Metrics, RequestCounts } from '#libs/kernel';
import { claimsOf } from '#libs/runtime';
import type { Store } from '#libs/store';
import { METRICS_METHOD, MetricsReceiver, PlaintextWatch, ReportedCounts } from '#libs/telemetry';
import { Denied, type Principal, type ReportMethod } from '#libs/xds';

export interface WiredMetrics {
  /** Served beside the discovery services. */
  readonly reports: ReportMethod;
  readonly counts: RequestCounts;
  stop(): Promise<void>;
}

export interface MetricsDeps {
  readonly store: Pick<Store, 'plaintext'>;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** Sidecars report their request counts where their configuration comes from. */
export function wireMetrics({ store, clock, log, metrics }: MetricsDeps): WiredMetrics {
  const counts = new ReportedCounts({ clock, metrics });
  const plaintext = new PlaintextWatch({ counts, uses: store.plaintext, clock, log });
  const receiver = new MetricsReceiver(counts, metrics);
  const reports: ReportMethod = {
    path: METRICS_METHOD,
    open: ({ principal }) => receiver.open({ nodeOf: (claimed) => nodeOf(principal, claimed) }),
  };
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
