/** Plaintext that one sidecar was sent at one port, as one replica was told. */
export interface PlaintextReport {
  readonly mesh: string;
  /** `<mesh>/<namespace>/<workload>/<instance>` */
  readonly node: string;
  /** Name of the workload's port. */
  readonly port: string;
  /** Requests, of TCP connections, in the window that ends now. */
  readonly requests: number;
}

/** The same from all replicas. */
export interface PlaintextUse extends Omit<PlaintextReport, 'mesh'> {
  /** Milliseconds since the last of them was noted, by Postgres's clock. */
  readonly ageMs: number;
}

/** What replicas know of plaintext in PERMISSIVE meshes. */
export interface PlaintextUses {
  /** Replaces what this replica said of the same ports. What nobody was told for a day is forgotten. */
  report(reports: readonly PlaintextReport[]): Promise<void>;
  /** By node and port, sorted. @param withinMs noted so recently */
  seen(mesh: string, withinMs: number): Promise<readonly PlaintextUse[]>;
}
