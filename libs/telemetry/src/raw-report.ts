/** A message of a sidecar, as it came: who does with it what, and when, is another's matter. */
export interface RawReport {
  readonly kind: 'metrics' | 'log';
  /** `<mesh>/<namespace>/<workload>/<instance>`, of the credential. */
  readonly node: string;
  /** Name of the access log; empty for metrics. */
  readonly log: string;
  readonly bytes: Buffer;
}

/** Must return at once: what cannot be taken is dropped. */
export type ReportSink = (report: RawReport) => void;
