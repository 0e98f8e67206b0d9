/** Where telemetry is sent, and how. What is left out is taken from the standard `OTEL_*` variables, else their defaults. */
export interface OtlpSettings {
  /** URL of the collector without a signal's path: `http://collector:4318`. */
  readonly endpoint: string;
  readonly protocol: 'http/protobuf' | 'grpc';
  /** Sent with every export: secrets. */
  readonly headers: Readonly<Record<string, string>>;
  /** Part of the traces that begin here which is kept, 0 to 1; whoever comes with a trace of his own has decided already. */
  readonly sampleRatio: number;
  /** Name of this process among those of the service. */
  readonly instance: string;
  readonly version: string;
}

export const SIGNALS = ['traces', 'metrics', 'logs'] as const;
export type Signal = (typeof SIGNALS)[number];
