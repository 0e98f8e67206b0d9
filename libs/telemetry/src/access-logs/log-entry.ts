/** One entry of an access log: a request, or one attempt of it. What is missing is '' or 0. */
export interface LogEntry {
  /** Milliseconds since the epoch, in the sidecar's clock; 0 = not said. */
  startedAt: number;
  durationMs: number;
  /** Of letters, digits and `-`; joins a request with its attempts, on both ends. */
  requestId: string;
  method: string;
  /** The host that was called, without its port, lower-case. */
  host: string;
  /** Without its query. */
  path: string;
  /** HTTP status; 0 = there was no answer. */
  status: number;
  /** undefined = no answer of gRPC. */
  grpcStatus: number | undefined;
  /** Number of this attempt, or of the last one of a request; 0 = not said. */
  attempt: number;
  /** As Envoy abbreviates them. */
  flags: readonly string[];
  /** What made the answer, in Envoy's words: `via_upstream`. Only requests say it. */
  details: string;
  /** Why the connection upwards failed, in Envoy's words. */
  transportFailure: string;
  /** `<namespace>/<service>/<port>[/<subset>]`, or `inbound/<port name>`. */
  cluster: string;
  route: string;
  /** `<address>:<port>` of who was sent it. */
  upstream: string;
  /** The SPIFFE id in the verified certificate of who called; '' for a caller without. */
  peer: string;
}

export const emptyEntry = (): LogEntry => ({
  startedAt: 0,
  durationMs: 0,
  requestId: '',
  method: '',
  host: '',
  path: '',
  status: 0,
  grpcStatus: undefined,
  attempt: 0,
  flags: [],
  details: '',
  transportFailure: '',
  cluster: '',
  route: '',
  upstream: '',
  peer: '',
});
