import type { Clock, Log, Metrics } from '#libs/kernel';
import type { Catalog } from '../catalog.js';
import type { SharedSets } from '../delivery/holdings.js';
import type { FrameCache } from '../frames.js';
import type { Limits } from '../limits.js';
import type { StreamSecrets } from '../secrets.js';
import type { Spreading } from '../spreading.js';
import type { DeliveryListener, Gatekeeper, StreamInfo } from '../types.js';
import type { HeldBack } from './held-back.js';
import type { Leftovers } from './leftovers.js';

/** What streams share. `Stream` is their own type, which this file must not know: it would be a cycle. */
export interface StreamServices<Stream = never> {
  readonly gatekeeper: Gatekeeper;
  readonly listener: DeliveryListener;
  readonly catalog: Catalog;
  readonly spreading: Spreading;
  readonly frames: FrameCache;
  readonly sets: SharedSets;
  readonly limits: Limits;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly counters: WireCounters;
  /** Begins every nonce, so that one of an earlier process is never taken for one of this (GEN-5). */
  readonly epoch: string;
  /** True once there is something to serve; false after the wait for it (GEN-16). */
  ready(): Promise<boolean>;
  secretsFor(info: StreamInfo, arrived: (name: string, asked: boolean) => void): StreamSecrets | undefined;
  admitted(stream: Stream): void;
  /** What clients may run of their last streams. */
  readonly leftovers: Leftovers;
  /** What is not sent though views have it. */
  readonly heldBack: HeldBack;
  /** Takes a place for one node of a shared credential. @returns gives it back @throws Denied */
  enterNode(nodeId: string, service: string): () => void;
  closed(stream: Stream): void;
  /** Destroys the peer's socket if it is still there after a moment. */
  dropSocketLater(peer: string): void;
}

/** Totals of this process; tests assert differences. */
export interface WireCounters {
  requests: number;
  responses: number;
  bytesSent: number;
}
