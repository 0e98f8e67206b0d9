import type { Cell } from '../cell.js';
import type { Subscription } from '../subscription.js';

/** The one response of a type that the client has not answered yet. */
export interface InFlight {
  readonly nonce: string;
  readonly change: number;
  /** All resources of the response. */
  readonly cells: readonly Cell[];
  /** Those of them that are new to the client: all in delta, the difference in a full-state response. */
  readonly news: readonly Cell[];
  readonly removed: readonly string[];
  /** True if with its ACK nothing of `change` is left to send. */
  readonly complete: boolean;
  /** Milliseconds of the monotonic clock. */
  readonly sentAt: number;
  /** A sign of life, with what is held already: its answer changes nothing (TTL-2). */
  readonly beat: boolean;
  /** It is all that this subscription included when it was sent. */
  readonly wholeOf?: Subscription;
}
