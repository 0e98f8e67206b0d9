import { TYPE } from '#libs/envoy-api';
import type { TypeDelivery } from '../delivery/type-delivery.js';
import { limitHit } from '../limits.js';
import { denialOf } from './failure.js';
import type { XdsStream } from './stream.js';
import type { StreamServices } from './stream-services.js';

/** A stream with nothing open is looked at again after this long at the latest, whatever the clocks do. Milliseconds. */
const QUIET_MS = 10_000;

/**
 * Looks at one stream for what is overdue: expiry, missing ACKs, what is held back, what was never asked for. A mistake of
 * ours ends this stream, and the others are looked at all the same (REL-20).
 */
export function checkStream(stream: XdsStream, services: StreamServices): void {
  const now = services.clock.monotonic();
  if (now < stream.watch.quietUntil) return;
  try {
    check(stream, services);
    stream.watch.quietUntil = now + quietMs(stream, services);
  } catch (error) {
    const { status, message } = denialOf(error, services, { stream: stream.options.id, node: stream.info?.node.id });
    stream.end(status, message);
  }
}

/**
 * How long nothing can become overdue unless something happens on the stream: thousands of idle clients cost next to
 * nothing. 0 while anything is open.
 */
function quietMs(stream: XdsStream, { clock, limits }: StreamServices): number {
  const { info, hasView, outbox, session } = stream;
  if (!info || !hasView || outbox.stuck || isOpen(session)) return 0;
  if (session.resumed && !session.types.has(TYPE.cluster)) return 0; // ORD-11
  const now = clock.now();
  const left = streamAge(stream, limits.streamAgeMs) - (now - stream.openedAt);
  return Math.min(QUIET_MS, stream.principal.expiresAt - now, left);
}

const isOpen = ({ settling, lifetimes, recent, ordered }: XdsStream['session']): boolean =>
  settling || lifetimes || !recent.isEmpty || !ordered.every(({ settled }) => settled);

function check(stream: XdsStream, services: StreamServices): void {
  const { clock, limits } = services;
  const now = clock.now();
  const age = now - stream.openedAt;
  stream.session.recent.prune(clock.monotonic(), stream.session.ordered);
  if (now >= stream.principal.expiresAt) {
    stream.end('UNAUTHENTICATED', 'the credential has expired'); // SEC-5
    return;
  }
  if (!stream.info) {
    if (age > limits.firstMessageMs) stream.end('UNAVAILABLE', 'no first message');
    return;
  }
  if (age > streamAge(stream, limits.streamAgeMs)) {
    stream.end('OK', ''); // NET-2
    return;
  }
  alarmWithoutView(stream, age, services);
  if (!stream.hasView && age > limits.viewWaitMs && stream.session.saidNothing) {
    limitHit(services.metrics, 'viewWaitMs');
    stream.end('UNAVAILABLE', 'there is no configuration for this node yet'); // GEN-16
    return;
  }
  if (missesClusters(stream, age, limits.missingClustersMs)) {
    services.metrics.count('xds_missing_cds_total');
    services.log.warn('a reconnected client asks for listeners or endpoints but not for clusters', {
      node: stream.info.node.id,
    });
    stream.end('UNAVAILABLE', 'clusters were never asked for'); // ORD-11
    return;
  }
  // REL-16: a client that does not read may still send: what it says of nonces proves nothing.
  if (stream.outbox.stalledMs(clock.monotonic()) > limits.ackProgressMs) {
    limitHit(services.metrics, 'ackProgressMs');
    stream.end('UNAVAILABLE', 'nothing is read');
    return;
  }
  endSettling(stream, age, limits.settleMs);
  if (stream.session.beat(clock.monotonic())) stream.pump(); // TTL-2
  for (const delivery of stream.session.ordered) if (!checkType(stream, delivery, services)) return;
}

/** Between nine and eleven tenths, by the stream's number: those that came together do not go together. */
const streamAge = ({ options }: XdsStream, ageMs: number): number => ageMs * (0.9 + 0.2 * ((options.id * 0.618) % 1));

/** It waits for a view that nobody publishes: its node is not registered, or a mistake of the embedding program. */
function alarmWithoutView(stream: XdsStream, age: number, { limits, metrics, log }: StreamServices): void {
  if (stream.hasView || stream.watch.viewAlarmed || age < limits.heldAlarmMs) return;
  stream.watch.viewAlarmed = true;
  metrics.count('xds_views_missing_total');
  log.warn('a client waits for a view that is not published', { node: stream.info?.node.id, view: stream.info?.view });
}

/** ORD-11 (envoy#34334): Envoys that refused clusters and then reconnected were seen never to ask for clusters again. */
const missesClusters = ({ session }: XdsStream, age: number, afterMs: number): boolean =>
  afterMs > 0 &&
  age > afterMs &&
  session.resumed &&
  (session.types.has(TYPE.endpoint) || session.types.has(TYPE.listener)) &&
  !session.types.has(TYPE.cluster) &&
  session.aggregated;

/** Types that a reconnected client has not asked for by now hold nothing: what waited for them goes on. */
function endSettling(stream: XdsStream, age: number, settleMs: number): void {
  if (!stream.session.settling || age < settleMs) return;
  stream.session.settling = false;
  stream.pump();
}

/** @returns false if the stream was ended */
function checkType(stream: XdsStream, delivery: TypeDelivery, services: StreamServices): boolean {
  const { limits, clock, metrics, log } = services;
  const type = delivery.spec.short;
  const flight = delivery.inFlight;
  const waited = flight ? clock.monotonic() - flight.sentAt : 0;
  if (flight && waited > limits.ackProgressMs) {
    limitHit(metrics, 'ackProgressMs');
    log.warn('a stream makes no progress', { node: stream.info?.node.id, type, waitedMs: Math.round(waited) });
    stream.end('UNAVAILABLE', 'no acknowledgement'); // REL-16
    return false;
  }
  if (flight && waited > limits.warmingNudgeMs && delivery.spec.url === TYPE.cluster && !delivery.alarmed) {
    delivery.alarmed = true;
    metrics.count('xds_warming_nudges_total');
    stream.session.oweEndpointsOf(flight.news); // ORD-12
    stream.pump();
  }
  if (delivery.held.length > 0 && !delivery.alarmed && clock.now() - delivery.behindSince > limits.heldAlarmMs) {
    delivery.alarmed = true;
    metrics.count('xds_held_alarms_total', { type });
    log.warn('resources wait for what they require', {
      node: stream.info?.node.id,
      type,
      held: delivery.held.slice(0, 20),
    });
  }
  return true;
}
