import type { LateDelivery, RefusedDelivery, ReplicaProgress } from '#libs/store';

/**
 * - `Delivering`: a proxy has not answered, or a replica that serves proxies has not come to the change.
 * - `Delivered`: every connected proxy that had something to receive has all of it; also when none had.
 * - `Refused`: every one has answered, and at least one refuses some of it.
 * - `Unserved`: no replica that serves proxies is alive, so nobody can be given it now.
 * - `Unknown`: the change is older than what is kept of deliveries.
 */
export type DeliveryState = 'Delivering' | 'Delivered' | 'Refused' | 'Unserved' | 'Unknown';

/** The part of one replica. */
export interface ReplicaDelivery {
  readonly replica: string;
  /** Proxies connected to it that had something to receive. */
  readonly total: number;
  readonly acked: number;
  /** It has not come to the change yet. */
  readonly pending: boolean;
  /** It is not alive: what it has reported counts, who was behind there has gone elsewhere. */
  readonly stale: boolean;
}

/** How far a change has come at the proxies of all replicas. */
export interface Delivery {
  readonly state: DeliveryState;
  /** Proxies that had something to receive. */
  readonly total: number;
  /** Those that have all of it. */
  readonly acked: number;
  /** Those that refuse some of it. The rest has not answered. */
  readonly refusing: number;
  /** With Envoy's own words; of at most 100 resources a replica. */
  readonly refused: readonly RefusedDelivery[];
  /** Who has not answered: at once for proxies of the replica that is asked, after 10 s for others. At most 100 a replica. */
  readonly behind: readonly LateDelivery[];
  /** Milliseconds from the publication to the newest answer, where it took longest. */
  readonly elapsedMs: number;
  readonly replicas: readonly ReplicaDelivery[];
}

/** What it counts itself. */
export interface LocalProgress extends Omit<ReplicaProgress, 'replica'> {
  /** The revision was there before this process: an earlier one may have seen all of its delivery. */
  readonly loaded?: boolean;
}

/** The replica that is asked, whose own numbers are newer than what it has written. */
export interface LocalDelivery {
  readonly replica: string;
  /** Undefined when it has not come to the revision, or has forgotten it. */
  of(mesh: string, revision: number): LocalProgress | undefined;
  /** Called whenever a delivery in the mesh has moved. @returns stops that */
  onProgress(listener: (mesh: string) => void): () => void;
}

/** A change whose delivery is asked for. */
export interface DeliveredChange {
  /** Config revision. */
  readonly revision: number;
  /** When it was made, RFC 3339; undefined = history does not know any more. */
  readonly at: string | undefined;
}

/** Nothing more is expected of it. */
export const isFinal = ({ state }: Pick<Delivery, 'state'>): boolean => state !== 'Delivering';
