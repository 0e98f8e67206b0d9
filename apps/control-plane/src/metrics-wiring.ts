import { admitNode } from '#libs/identity';
import type { Clock, Metrics, RequestCounts } from '#libs/kernel';
import { claimsOf } from '#libs/runtime';
import { METRICS_METHOD, MetricsReceiver, ReportedCounts } from '#libs/telemetry';
import { Denied, type Principal, type ReportMethod } from '#libs/xds';

export interface WiredMetrics {
  /** Served beside the discovery services. */
  readonly reports: ReportMethod;
  readonly counts: RequestCounts;
  stop(): void;
}

/** Sidecars report their request counts where their configuration comes from. */
export function wireMetrics({ clock, metrics }: { readonly clock: Clock; readonly metrics: Metrics }): WiredMetrics {
  const counts = new ReportedCounts({ clock, metrics });
  const receiver = new MetricsReceiver(counts, metrics);
  const reports: ReportMethod = {
    path: METRICS_METHOD,
    open: ({ principal }) => receiver.open({ nodeOf: (claimed) => nodeOf(principal, claimed) }),
  };
  return { reports, counts, stop: () => counts.stop() };
}

/** A credential for one instance says which; one for several is asked whether it is for the instance named (SEC-1). */
function nodeOf(principal: Principal, claimed: string): string {
  if (!principal.shared) return principal.id;
  const admitted = admitNode(claimsOf(principal), claimed);
  if (!admitted.ok) throw new Denied('PERMISSION_DENIED', admitted.error);
  return claimed;
}
