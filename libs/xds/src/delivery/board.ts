import type { Lookup } from '../cell.js';
import type { Subscription } from '../subscription.js';
import type { HeldContent, TypeUrl } from '../types.js';
import type { TypeDelivery } from './type-delivery.js';
import type { Whole } from './whole.js';

/** Where a stream's resources come from: its view, and the secrets resolved for it. */
export interface Source {
  lookup(type: TypeUrl, name: string): Lookup;
  /** Names of the type in the view, for wildcard subscriptions. */
  names(type: TypeUrl): Iterable<string>;
  /** Names of the type in the view that belong to the glob. */
  members(type: TypeUrl, glob: string): Iterable<string>;
  /** All that the subscription includes, where it needs no look at each name; `undefined` otherwise. */
  whole?(type: TypeUrl, subscription: Subscription): Whole | undefined;
  /** Number of the newest publication of which the stream knows what it has to look at. */
  readonly change: number;
  /** It does not know yet what it has to look at of a newer one. */
  readonly expecting?: boolean;
  /** Contents of the type that the view has and this stream is not sent. */
  heldBack?(type: TypeUrl): readonly Pick<HeldContent, 'name' | 'version' | 'message'>[];
}

/** What the rules of delivery need to know of a stream. */
export interface Board {
  readonly variant: 'delta' | 'sotw';
  /** All types share the stream (ADS). On a single-type stream nothing is known of other types. */
  readonly aggregated: boolean;
  readonly source: Source;
  /** Types requested on this stream. */
  readonly types: ReadonlyMap<TypeUrl, TypeDelivery>;
  /**
   * True while the client, reconnected with resources of an earlier stream, may still come to ask for types that it
   * has not asked for: what they hold is not known yet.
   */
  readonly unsettled: boolean;
  readonly maxResponseBytes: number;
  /** The client drops resources after their time to live (TTL-1). */
  readonly lifetimes: boolean;
  /** The name under which delivery knows what is asked for by this one: of an alias, that of its resource. */
  keyOf(type: TypeDelivery, name: string): string;
}
