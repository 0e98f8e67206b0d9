/** Requests that one sidecar has counted since this replica first heard of it. Monotonic per (node, scope). */
export interface RequestCount {
  /** `<mesh>/<namespace>/<workload>/<instance>`, by its credential. */
  readonly node: string;
  /**
   * `cluster <name>`: calls through that cluster. `outbound`: requests of the application, as it saw them answered.
   * `inbound <port name>`: requests to the application by mutual TLS; with ` plaintext` at the end, the others: requests, and connections to TCP ports.
   */
  readonly scope: string;
  readonly requests: number;
  /** Answers 5xx, Envoy's own included (nothing to connect to, time-outs), and requests that found no route. */
  readonly failures: number;
}

/** What sidecars count, as far as they tell this replica. In memory: a restart of the replica begins anew. */
export interface RequestCounts {
  /**
   * Of the sidecars that report to this replica. One that has been silent for long is forgotten, and so is a scope; whoever
   * compares two looks takes what is missing in either for nothing.
   */
  of(mesh: string): Iterable<RequestCount>;
  /** Milliseconds since the epoch at the last report of a node; undefined = never, or forgotten. */
  heardOf(node: string): number | undefined;
}
