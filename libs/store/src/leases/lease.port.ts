/** The part of the contract that is about jobs of which one replica does the work. */

/** The right to do a job, for a while: one holder has it. What it writes says so (`requireLease`). */
export interface Lease {
  /** Of the job. */
  readonly name: string;
  readonly holder: string;
  /** Rises with every holder, so that one that was stalled cannot write for the next one. */
  readonly fence: number;
}

export interface Leases {
  /**
   * Takes or renews the lease of a job; undefined while another holder has it. Nothing has to be set up for a new name.
   * @param holder unique in time: a replica's name with something of this process's life
   * @param ttlMs by Postgres's clock; 0 gives it back
   * @throws StoreUnavailable
   */
  take(name: string, holder: string, ttlMs: number): Promise<Lease | undefined>;
}
