import type { Metrics } from '#libs/kernel';

/**
 * Every limit of the engine, in one place (SEC-8, SEC-9, SEC-12). Each time one is hit, `xds_limit_total{limit}` counts it
 * under the name of its field here.
 */
export interface Limits {
  /** Largest request in bytes. A delta reconnect lists every held name and version: 60,000 of them fit (DELTA-16, REL-22). */
  readonly maxMessageBytes: number;
  /** Names one stream may subscribe to for one type, and names in one message (SEC-9). */
  readonly maxNames: number;
  /** Longest resource name in bytes (SEC-9). */
  readonly maxNameBytes: number;
  /** Live streams of one principal on one service: reconnects overlap, floods do not fit (SEC-8, REL-40). */
  readonly streamsPerPrincipal: number;
  /** The same for a credential that many nodes share; each of its nodes has `streamsPerPrincipal`, too. */
  readonly streamsPerSharedPrincipal: number;
  /** Live streams of all principals together. */
  readonly maxStreams: number;
  /** Sockets open at once, with or without a stream. */
  readonly maxConnections: number;
  /** Sockets of one address that have no stream: a thousand sidecars behind one address may come back at once (SEC-8). */
  readonly idlePerAddress: number;
  /** Calls that are let in and have not been answered for the first time: what waits in memory for their sockets is bounded (NET-3). */
  readonly initialPushes: number;
  /** A client that does not read keeps its place among them for this long. Milliseconds. */
  readonly initialPushMs: number;
  /** Connections, and calls, that may wait to be let in; beyond it the newest of the address with the most is refused (NET-3). */
  readonly admissionQueue: number;
  /** Who was not let in after this long is refused and may try again: a socket is closed, a call is UNAVAILABLE (REL-12). Milliseconds. */
  readonly admissionWaitMs: number;
  /** A turn of the event loop that takes longer halves how much new work the next one may begin (REL-12). Milliseconds. */
  readonly admissionTurnMs: number;
  /** Concurrent calls on one connection, streams and others. A client needs one stream, or one for each type. */
  readonly callsPerConnection: number;
  /** Streams one principal, or one node of a shared one, may open in a burst; it grows back at `opensPerSecond` (REL-41). */
  readonly openBurst: number;
  readonly opensPerSecond: number;
  /** A TLS handshake that takes longer is dropped (SEC-8). Milliseconds. */
  readonly handshakeMs: number;
  /** A socket is closed that has had no admitted stream for this long, from its start on or since the last one (SEC-8). Milliseconds. */
  readonly unauthenticatedMs: number;
  /** An authenticated stream must send its first message within this long. Milliseconds. */
  readonly firstMessageMs: number;
  /** A message must be complete so long after its first byte: half of one is memory that nothing else bounds (SEC-8, SEC-9). Milliseconds. */
  readonly messageMs: number;
  /** How long a stream waits for the first publication before it is answered UNAVAILABLE (GEN-16). Milliseconds. */
  readonly readyWaitMs: number;
  /**
   * A stream that was never sent anything because its view is not published is answered UNAVAILABLE after this long, so
   * that its client may ask another replica (GEN-16). Milliseconds.
   */
  readonly viewWaitMs: number;
  /** A stream that owes an ACK for longer is cut (REL-16). Milliseconds. */
  readonly ackProgressMs: number;
  /** After this long without an ACK of clusters their endpoints are sent once more (ORD-12). Milliseconds. */
  readonly warmingNudgeMs: number;
  /** After this long a resource that waits for what it requires raises an alarm, and goes on waiting. Milliseconds. */
  readonly heldAlarmMs: number;
  /**
   * After a reconnect, how long a type that was not asked for yet may still be: until then nothing is removed that its
   * resources could use, and nothing is sent that requires it. Longer than Envoy's 15 s of warming. Milliseconds.
   */
  readonly settleMs: number;
  /**
   * A client that came back with listeners or endpoints and never asks for clusters is cut after this long (ORD-11).
   * Milliseconds; 0 = never, for clients that have all their clusters from elsewhere.
   */
  readonly missingClustersMs: number;
  /**
   * A stream is ended with OK after this long, give or take a tenth, and its connection takes no new one then: so clients
   * spread over replicas again after one was away (NET-2). Milliseconds.
   */
  readonly streamAgeMs: number;
  /** Bytes written to one stream and not yet taken by the socket, beyond which nothing is added (NET-4). */
  readonly maxUnsentBytes: number;
  /** A delta response beyond this many bytes is continued in the next one. */
  readonly maxResponseBytes: number;
  /** Bytes of response frames kept for sharing between streams. */
  readonly frameCacheBytes: number;
  /** Largest message to a method of the embedding program, in bytes. */
  readonly maxReportBytes: number;
  /** What is read of one such stream in a second, after a burst of the largest message; the rest waits in the client. Bytes. */
  readonly reportBytesPerSecond: number;
  /** How often streams are checked for what is overdue. Milliseconds. */
  readonly checkMs: number;
  /** Characters kept of a client's error text (SEC-12). */
  readonly maxErrorChars: number;
}

export const DEFAULT_LIMITS: Limits = {
  maxMessageBytes: 16 * 1024 * 1024,
  maxNames: 60_000,
  maxNameBytes: 1024,
  streamsPerPrincipal: 4,
  streamsPerSharedPrincipal: 4_000,
  maxStreams: 20_000,
  maxConnections: 25_000,
  idlePerAddress: 5_000,
  initialPushes: 256,
  initialPushMs: 500,
  admissionQueue: 10_000,
  admissionWaitMs: 1_000,
  admissionTurnMs: 20,
  callsPerConnection: 32,
  openBurst: 20,
  opensPerSecond: 1,
  handshakeMs: 5_000,
  unauthenticatedMs: 10_000,
  firstMessageMs: 10_000,
  messageMs: 30_000,
  readyWaitMs: 1_000,
  viewWaitMs: 30_000,
  ackProgressMs: 60_000,
  warmingNudgeMs: 10_000,
  heldAlarmMs: 10_000,
  settleMs: 20_000,
  missingClustersMs: 30_000,
  streamAgeMs: 30 * 60_000,
  maxUnsentBytes: 512 * 1024,
  maxResponseBytes: 4 * 1024 * 1024,
  frameCacheBytes: 32 * 1024 * 1024,
  maxReportBytes: 4 * 1024 * 1024,
  reportBytesPerSecond: 256 * 1024,
  checkMs: 1_000,
  maxErrorChars: 4096,
};

/** Counts that a limit was hit. */
export const limitHit = (metrics: Metrics, limit: keyof Limits): void => metrics.count('xds_limit_total', { limit });
