import type { StagedView } from '#libs/changes';

/** A proxy that somebody should look at. */
export interface TroubledProxy {
  readonly namespace: string;
  readonly instance: string;
  readonly workload: string;
  readonly problem: 'refuses' | 'behind' | 'disconnected' | 'duplicate' | 'token';
  /** In words: what Envoy said, how far it is behind. */
  readonly words: string;
}

export interface ChangeInFlight {
  readonly change: string;
  readonly at: string;
  readonly actor: string;
  readonly message: string;
  readonly state: string;
  readonly acked: number;
  readonly total: number;
  readonly refused: number;
}

export interface OperatorHome {
  readonly proxies: {
    readonly total: number;
    readonly connected: number;
    readonly upToDate: number;
    readonly behind: number;
    readonly refusing: number;
  };
  /** Worst first; at most 50. */
  readonly troubled: readonly TroubledProxy[];
  readonly troubledTotal: number;
  /** The newest changes, with how far each has come. */
  readonly changes: readonly ChangeInFlight[];
  /** Changes on trial that are not over. */
  readonly trials: readonly Pick<StagedView, 'id' | 'state' | 'message' | 'hidden'>[];
  /** Resources and contents that are held back since something dies of them. */
  readonly quarantined: number;
}
