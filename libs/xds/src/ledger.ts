import type { Clock } from '#libs/kernel';
import { Cell } from './cell.js';
import type { InFlight, TypeDelivery } from './delivery/type-delivery.js';
import type { Session } from './session.js';
import type { DeliveryListener, NackInfo, StreamInfo, TypeHoldings, TypeState, TypeUrl } from './types.js';

/** Instead of the client's words, which are kept of the newest refusal of a name only. */
const FORGOTTEN = 'refused before';

/**
 * What one stream has confirmed. Reports a change as ACKed when everything of it that concerns the stream and the type
 * is, so whoever counts proxies needs no knowledge of resources.
 */
export class Ledger {
  /** Newest change up to which the client was said to have everything; -1 while something is under way. */
  #caughtUpTo = -1;
  /** How many responses of each type the client has confirmed or refused. */
  readonly answers = new Map<TypeUrl, number>();
  /** The client has refused something on this stream. */
  wasRefused = false;

  constructor(
    private readonly session: Session,
    private readonly listener: DeliveryListener,
    private readonly clock: Clock,
  ) {}

  acked(stream: StreamInfo, delivery: TypeDelivery, flight: InFlight): void {
    this.#answered(delivery.spec.url);
    if (flight.complete) this.#advance(stream, delivery, flight.change);
  }

  nacked(stream: StreamInfo, nack: NackInfo): void {
    this.wasRefused = true;
    this.#answered(nack.type);
    this.listener.nacked?.(stream, nack);
  }

  #answered(type: TypeUrl): void {
    this.answers.set(type, (this.answers.get(type) ?? 0) + 1);
  }

  /** After the stream has sent what it could: types with nothing left are at the newest change. */
  settle(stream: StreamInfo): void {
    const { change } = this.session.source;
    for (const delivery of this.session.ordered) {
      if (delivery.settled) {
        delivery.behindSince = 0;
        delivery.alarmed = false;
        this.#advance(stream, delivery, change);
      } else {
        if (delivery.behindSince === 0) delivery.behindSince = this.clock.now();
        // What the client asks for after the type was done may be of the newest change too: it is not done any more.
        delivery.ackedChange = Math.min(delivery.ackedChange, change - 1);
      }
    }
    this.#reportWhole(stream);
  }

  #reportWhole(stream: StreamInfo): void {
    const { change } = this.session.source;
    const whole = this.session.ordered.every((delivery) => delivery.settled);
    if (whole && change > this.#caughtUpTo) this.listener.caughtUp?.(stream, change);
    this.#caughtUpTo = whole ? change : -1;
  }

  #advance(stream: StreamInfo, delivery: TypeDelivery, change: number): void {
    if (change <= delivery.ackedChange) return;
    delivery.ackedChange = change;
    this.listener.acked?.(stream, delivery.spec.url, change);
  }

  /** The state of every type, for status pages. Computed when asked for. */
  states(): TypeState[] {
    return this.session.ordered.map((delivery) => stateOf(delivery, this.session));
  }

  /** What the client holds, without a copy of it. */
  holdings(): TypeHoldings[] {
    return this.session.ordered.map((delivery) => ({
      type: delivery.spec.url,
      acked: delivery.acked,
      settled: delivery.settled,
      refused: delivery.refused.size > 0 ? refusals(delivery, this.session) : [],
    }));
  }

  /** What the client refuses of what it should have now, as when it said so, but for the change: the newest one. */
  *refused(): Generator<NackInfo> {
    const { change } = this.session.source;
    for (const delivery of this.session.ordered) {
      if (delivery.refused.size === 0) continue;
      for (const { name, version, message } of refusals(delivery, this.session))
        yield {
          type: delivery.spec.url,
          names: [name],
          nonce: '',
          message: message || FORGOTTEN,
          isolated: true,
          version,
          change,
        };
    }
  }

  /** Newest change of which nothing is left for any type of the stream. */
  ackedChange(): number {
    const newest = this.session.source.change;
    return this.session.ordered.reduce((least, d) => Math.min(least, d.settled ? newest : d.ackedChange), newest);
  }
}

function stateOf(delivery: TypeDelivery, session: Session): TypeState {
  const { subscription, spec, inFlight } = delivery;
  const newest = session.source.change;
  return {
    type: spec.url,
    subscribed: subscription.wildcard ? 'wildcard' : [...subscription.names],
    acked: new Map([...delivery.acked].map(([name, held]) => [name, held.version])),
    pending: [...new Set([...(inFlight?.news ?? []).map((cell) => cell.name), ...(inFlight?.removed ?? [])])],
    refused: [...refusals(delivery, session), ...(session.source.heldBack?.(spec.url) ?? [])],
    ackedChange: delivery.settled ? newest : delivery.ackedChange,
    behindSince: delivery.behindSince,
    held: delivery.held,
  };
}

/** Refusals of the newest content; older ones are history. */
function refusals(delivery: TypeDelivery, session: Session): TypeState['refused'] {
  return [...delivery.refused].flatMap(([name, versions]) => {
    const target = session.source.lookup(delivery.spec.url, name);
    const message = target instanceof Cell ? versions.get(target.version) : undefined;
    return target instanceof Cell && message !== undefined ? [{ name, version: target.version, message }] : [];
  });
}
