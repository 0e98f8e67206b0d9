import { createHash } from 'node:crypto';
import type { MessageEvent } from '@nestjs/common';
import { Observable, type Subscriber } from 'rxjs';
import { type Deliveries, type Delivery, fingerprint, isFinal } from '#libs/changes';
import type { Clock } from '#libs/kernel';
import type { HttpRequest } from '../http.js';
import type { AspectState } from './aspect.js';
import type { OpenStreams } from './open-streams.js';
import type { ChangePages, FoundChange } from './pages.js';

/** Proxies between here and there close what is silent. Milliseconds. */
export const HEARTBEAT_MS = 15_000;

export interface EventParts {
  readonly pages: ChangePages;
  readonly streams: OpenStreams;
  readonly deliveries: Pick<Deliveries, 'watch'>;
  readonly clock: Clock;
}

/**
 * `delivery` with the state at once, unless the client says that it has it (Last-Event-ID), and whenever it has changed;
 * then `done` with the last one, and the end. The id of an event is that of the state it tells.
 */
export function changeEvents(parts: EventParts, found: FoundChange, request: HttpRequest): Observable<MessageEvent> {
  return stream(parts, (subscriber) => {
    const follower = new Follower(parts, { found, request, subscriber });
    return follower.start();
  });
}

/** A stream with heartbeats, which ends when the server stops. */
export function stream(
  { streams, clock }: Pick<EventParts, 'streams' | 'clock'>,
  start: (subscriber: Subscriber<MessageEvent>) => () => void,
): Observable<MessageEvent> {
  return new Observable((subscriber) => {
    const leave = streams.onStop(() => subscriber.complete());
    const stopHeart = clock.every(HEARTBEAT_MS, () => subscriber.next({ comment: 'alive' }));
    const stop = start(subscriber);
    return () => {
      leave();
      stopHeart();
      stop();
    };
  });
}

interface Following {
  readonly found: FoundChange;
  readonly request: HttpRequest;
  readonly subscriber: Subscriber<MessageEvent>;
}

class Follower {
  #delivery: Delivery | undefined;
  #states: ReadonlyMap<string, AspectState> | undefined;
  #reading = false;
  #again = false;
  #told: string | undefined;

  constructor(
    private readonly parts: EventParts,
    private readonly following: Following,
  ) {
    const { 'last-event-id': last } = following.request.headers;
    this.#told = typeof last === 'string' ? last : undefined;
  }

  start(): () => void {
    const { pages, deliveries } = this.parts;
    const { mesh, change, revision } = this.following.found;
    const stops = pages.aspects.map((aspect) => aspect.watch(mesh, change, () => this.#read()));
    this.#read();
    if (revision)
      stops.push(
        deliveries.watch(mesh, revision, (delivery) => {
          this.#delivery = delivery;
          this.#tell();
        }),
      );
    return () => {
      for (const stop of stops) stop();
    };
  }

  /** One look at a time; whatever comes meanwhile makes it look once more. */
  #read(): void {
    if (this.#reading) {
      this.#again = true;
      return;
    }
    this.#reading = true;
    const { found, request } = this.following;
    this.parts.pages
      .states(found, request.principal)
      .then((states) => {
        this.#states = states;
        this.#tell();
      })
      // Postgres is away: whoever watches is told when it is back.
      .catch(() => {})
      .finally(() => {
        this.#reading = false;
        if (!this.#again) return;
        this.#again = false;
        this.#read();
      });
  }

  #tell(): void {
    const { found, request, subscriber } = this.following;
    if (subscriber.closed || !this.#states || (found.revision && !this.#delivery)) return;
    const delivery = this.#delivery && this.parts.pages.visible(found.mesh, this.#delivery, request.principal);
    const states = [...this.#states];
    const aspects = Object.fromEntries(states.map(([name, { value }]) => [name, value]));
    const data = { change: found.change, ...(delivery ? { delivery } : {}), ...aspects };
    const id = idOf(delivery ? fingerprint(delivery) : '', aspects);
    if (id !== this.#told) subscriber.next({ type: 'delivery', id, data });
    this.#told = id;
    if (!isOver(this.#delivery, states)) return;
    subscriber.next({ type: 'done', id, data });
    subscriber.complete();
  }
}

const isOver = (delivery: Delivery | undefined, states: readonly (readonly [string, AspectState])[]): boolean =>
  (!delivery || isFinal(delivery)) && states.every(([, state]) => state.isFinal);

const idOf = (delivery: string, aspects: object): string =>
  createHash('sha256').update(delivery).update(JSON.stringify(aspects)).digest('base64url').slice(0, 16);
