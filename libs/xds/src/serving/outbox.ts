import type { Clock, Metrics } from '#libs/kernel';
import type { Limits } from '../limits.js';
import type { Call } from '../transport/call.js';
import type { OutgoingMessage } from '../wire/message.js';
import type { WireCounters } from './stream-services.js';

export interface OutboxServices {
  readonly limits: Pick<Limits, 'maxUnsentBytes'>;
  readonly counters: WireCounters;
  readonly metrics: Metrics;
  readonly clock: Clock;
}

/** What one stream writes, and how much of it the socket has not taken yet (NET-4). */
export class Outbox {
  #unsentBytes = 0;
  /** Of the monotonic clock, when the socket last took something; while nothing is unsent it says nothing. */
  #progressAt = 0;

  #onEmpty: (() => void) | undefined;

  /** @param onRoom called when it was full and is not any more */
  constructor(
    private readonly call: Call,
    private readonly services: OutboxServices,
    private readonly onRoom: () => void,
  ) {}

  /** Nothing more is to be produced: the newest state goes out when the socket has taken what there is. */
  get full(): boolean {
    return this.#unsentBytes > this.services.limits.maxUnsentBytes;
  }

  /** The client has not taken everything yet. */
  get stuck(): boolean {
    return this.#unsentBytes > 0;
  }

  /** Does it once, when the client has taken everything there is. */
  whenEmpty(act: () => void): void {
    if (this.stuck) this.#onEmpty = act;
    else act();
  }

  /** Milliseconds for which the socket has taken nothing of what there is; 0 when there is nothing (REL-16). */
  stalledMs(now: number): number {
    return this.stuck ? now - this.#progressAt : 0;
  }

  /** @param type short name of the resource type, for metrics */
  write(message: OutgoingMessage, type: string): void {
    const { counters, metrics, clock } = this.services;
    counters.responses++;
    counters.bytesSent += message.byteLength;
    metrics.count('xds_responses_total', { type });
    metrics.count('xds_response_bytes_total', { type }, message.byteLength);
    if (!this.stuck) this.#progressAt = clock.monotonic();
    this.#unsentBytes += message.byteLength;
    this.call.write(message, () => this.#written(message.byteLength));
  }

  #written(bytes: number): void {
    const wasFull = this.full;
    this.#unsentBytes -= bytes;
    this.#progressAt = this.services.clock.monotonic();
    if (wasFull && !this.full) this.onRoom();
    if (this.stuck) return;
    this.#onEmpty?.();
    this.#onEmpty = undefined;
  }
}
