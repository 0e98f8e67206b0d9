import type { LogEntry } from '../access-logs/log-entry.js';
import { isCut, isDoubtful, isOwnAnswer, outcomeOf } from '../access-logs/outcome-of.js';
import { isFailure, type Outcome } from '../model/index.js';
import type { RoomPart } from './live-room.js';

/** What one end says of a request to the other. Of each kind so many are kept; about one in two is of the bucket before. */
const MAX_KEPT = 20_000;

/** An entry of these, without its text. */
const KEPT_BYTES = 100;

interface Generation {
  readonly room: RoomPart;
  /** Answers that the callee's sidecar made itself, by attempt. */
  readonly served: Map<string, Outcome>;
  /** How requests ended that did not end well, by request. */
  readonly requests: Map<string, Outcome>;
  /** Attempts that the caller has told of. */
  readonly told: Set<string>;
  /** Instances whose sidecars have refused callers for their certificates. */
  readonly refusing: Set<string>;
}

/**
 * Joins what the two ends, and the request and its attempts, say of the same: by request id and number of the attempt.
 * A caller sees a 403 or 503; whether the application answered it or its sidecar, only the callee's end knows.
 */
export class Joins {
  #now: Generation;
  #before: Generation;

  /** @param part makes a part of the room for it */
  constructor(private readonly part: () => RoomPart) {
    this.#now = this.#empty();
    this.#before = this.#empty();
  }

  noteServed(entry: LogEntry): void {
    const outcome = outcomeOf(entry);
    if (entry.requestId === '' || !isFailure(outcome) || !isOwnAnswer(entry)) return;
    const key = attemptKey(entry);
    if (this.#takes(this.#now.served, key)) this.#now.served.set(key, outcome);
  }

  noteRequest(entry: LogEntry): void {
    const outcome = outcomeOf(entry);
    if (entry.requestId === '' || outcome === 'ok') return;
    if (this.#takes(this.#now.requests, entry.requestId)) this.#now.requests.set(entry.requestId, outcome);
  }

  noteAttempt(entry: LogEntry): void {
    if (entry.requestId === '') return;
    const key = attemptKey(entry);
    if (this.#takes(this.#now.told, key)) this.#now.told.add(key);
  }

  noteRefusing(instance: string): void {
    if (this.#takes(this.#now.refusing, instance)) this.#now.refusing.add(instance);
  }

  /**
   * What became of a request or attempt that the caller tells of, by all that is known of it by now.
   * @param instance that it was sent to
   */
  outcomeOf(entry: LogEntry, of: 'request' | 'attempt', instance: string): Outcome {
    const own = outcomeOf(entry);
    // With TLS 1.3 a caller whose certificate is not accepted sees its connection end, and no reason.
    if (own === 'reset' && entry.flags.includes('UC') && this.#isRefusing(instance)) return 'tls';
    if (of === 'attempt' && isCut(entry)) return this.#of('requests', entry.requestId) ?? own;
    return mayBeTheirs(entry, of) ? (this.#of('served', attemptKey(entry)) ?? own) : own;
  }

  /** Whether its caller has told of what a callee served. */
  wasTold(entry: LogEntry): boolean {
    const key = attemptKey(entry);
    return this.#now.told.has(key) || this.#before.told.has(key);
  }

  /** A bucket is over: what is older than the one before it is forgotten. */
  age(): void {
    this.#before.room.giveAll();
    this.#before = this.#now;
    this.#now = this.#empty();
  }

  #empty(): Generation {
    return { room: this.part(), served: new Map(), requests: new Map(), told: new Set(), refusing: new Set() };
  }

  /** What is there has its room already. */
  #takes(kept: ReadonlyMap<string, unknown> | ReadonlySet<string>, key: string): boolean {
    if (kept.size >= MAX_KEPT) return false;
    return kept.has(key) || this.#now.room.take(KEPT_BYTES + key.length);
  }

  #isRefusing(instance: string): boolean {
    return this.#now.refusing.has(instance) || this.#before.refusing.has(instance);
  }

  #of(what: 'served' | 'requests', key: string): Outcome | undefined {
    return this.#now[what].get(key) ?? this.#before[what].get(key);
  }
}

/** Whether the answer came from the other end: of a request the details say so, and an attempt has none when Envoy ended it. */
export const mayBeTheirs = (entry: LogEntry, of: 'request' | 'attempt'): boolean =>
  entry.requestId !== '' && (of === 'request' ? !isOwnAnswer(entry) : entry.flags.length === 0) && isDoubtful(entry);

const attemptKey = ({ requestId, attempt }: LogEntry): string => `${requestId}#${Math.max(1, attempt)}`;
