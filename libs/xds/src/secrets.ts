import { TYPE } from '#libs/envoy-api';
import type { Clock, Log, Metrics } from '#libs/kernel';
import { Cell, type EncodeCounter } from './cell.js';
import type { NodeInfo, Principal, SecretAnswer, SecretSource } from './types.js';

/** Longest time a timer can be set for. */
const LONGEST_MS = 2 ** 31 - 1;
const RETRY_MS = 2_000;

export interface StreamSecretsOptions {
  readonly source: SecretSource;
  readonly principal: Principal;
  readonly node: NodeInfo;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly counter: EncodeCounter;
  /** A secret must be sent: because it changed, or (`asked`) because the client has none. */
  readonly arrived: (name: string, asked: boolean) => void;
}

/**
 * The secrets of one stream. Names say nothing: the source judges each against the stream's principal (SDS-6, SEC-2).
 * A secret is sent when the source has another version than the client holds, and is never removed (DELTA-13).
 */
export class StreamSecrets {
  readonly #cells = new Map<string, Cell>();
  /** Version the client holds or is being sent; '' = unknown. Its keys are the names wanted. */
  readonly #wanted = new Map<string, string>();
  readonly #timers = new Map<string, () => void>();
  /** Number of the newest question about a name: answers to older ones, and their failures, count no more. */
  readonly #asked = new Map<string, number>();

  #questions = 0;

  constructor(private readonly options: StreamSecretsOptions) {}

  /** What the stream is to be sent under this name, once it is known. */
  lookup(name: string): Cell | undefined {
    return this.#cells.get(name);
  }

  /** The client asked for the secret and says which version it holds; without one it is always answered (DELTA-1). */
  want(name: string, held: string | undefined): void {
    this.#wanted.set(name, held ?? '');
    this.#resolve(name, held, held === undefined);
  }

  drop(name: string): void {
    this.#wanted.delete(name);
    this.#cells.delete(name);
    this.#asked.delete(name);
    this.#stopTimer(name);
  }

  /** Asks the source again about everything wanted. */
  refresh(): void {
    for (const [name, held] of this.#wanted) this.#resolve(name, held === '' ? undefined : held, false);
  }

  close(): void {
    for (const stop of this.#timers.values()) stop();
    this.#timers.clear();
    this.#wanted.clear();
    this.#asked.clear();
    this.#cells.clear();
  }

  #resolve(name: string, held: string | undefined, asked: boolean): void {
    const { source, principal, node, log, metrics } = this.options;
    this.#stopTimer(name);
    const question = ++this.#questions;
    this.#asked.set(name, question);
    // Unsubscribed, or asked anew, while the source was thinking.
    const outdated = (): boolean => this.#asked.get(name) !== question;
    source.resolve(principal, node, name, held).then(
      (answer) => {
        if (!outdated()) this.#accept(name, answer, asked);
      },
      (error: unknown) => {
        if (outdated()) return;
        metrics.count('xds_secret_errors_total');
        log.warn('a secret could not be resolved', { name, error: String(error) });
        this.#later(name, RETRY_MS, () => this.#resolve(name, held, asked));
      },
    );
  }

  #accept(name: string, answer: SecretAnswer, asked: boolean): void {
    if (answer.kind === 'none') {
      this.options.metrics.count('xds_secrets_refused_total');
      return;
    }
    if (answer.kind === 'send') this.#send(name, answer, asked);
    const { source, principal } = this.options;
    const version = this.#wanted.get(name) ?? '';
    const again = source.recheckAfterMs(principal, name, version);
    if (again !== undefined) this.#later(name, again, () => this.#resolve(name, version || undefined, false));
  }

  #send(name: string, { version, bytes }: { version: string; bytes: Uint8Array }, asked: boolean): void {
    if (this.#wanted.get(name) === version && !asked) return;
    this.#wanted.set(name, version);
    this.#cells.set(name, new Cell({ type: TYPE.secret, name, version, bytes }, this.options.counter));
    this.options.arrived(name, asked);
  }

  #later(name: string, ms: number, task: () => void): void {
    this.#stopTimer(name);
    if (!this.#wanted.has(name)) return;
    const delay = Math.min(Math.max(ms, 0), LONGEST_MS);
    this.#timers.set(name, this.options.clock.after(delay, task));
  }

  #stopTimer(name: string): void {
    this.#timers.get(name)?.();
    this.#timers.delete(name);
  }
}
