import { randomUUID } from 'node:crypto';
import type { AuditKey } from '#libs/identity';
import { AS_ROOT, type Clock, type Log, type Metrics, silentTracer, type Tracer, Turns } from '#libs/kernel';
import { type AuditLease, type AuditTrail, ChainBroken, LeaseLost, NotOwner } from '#libs/store';
import type { Destination } from './destination.js';

export interface CheckpointJobOptions {
  readonly trail: AuditTrail;
  /** All keys, oldest first; the last one signs. */
  readonly keys: () => Promise<readonly [AuditKey, ...AuditKey[]]>;
  readonly destinations: readonly Destination[];
  readonly replica: string;
  /** At least 1. */
  readonly everySeconds: number;
  /** 0 = for ever. */
  readonly historyDays: number;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Default: one that keeps nothing. */
  readonly tracer?: Tracer | undefined;
}

/** Long enough for the first verification of a long chain; a holder that stops gives the lease back at once. */
const LEASE_MS = 600_000;
/** Statements that are read at once to be sent. */
const PAGE = 100;
const CUT_EVERY_MS = 3_600_000;

/**
 * Signs the audit chain, sends what was signed out of the database, and removes history that has outlived its time. All
 * replicas run it; the one with the lease does it.
 */
export class CheckpointJob {
  readonly #holder: string;
  readonly #announced = new Set<string>();
  readonly #turns = new Turns(() => this.#turn());
  #cutAt = Number.NEGATIVE_INFINITY;

  constructor(private readonly options: CheckpointJobOptions) {
    this.#holder = `${options.replica}/${randomUUID()}`;
  }

  start(): void {
    this.#turns.begin();
    this.#turns.start(this.options.clock, this.options.everySeconds * 1_000);
  }

  /** One turn after the other, however long they take. @returns when one that began after this has ended */
  tick(): Promise<void> {
    return this.#turns.take();
  }

  async stop(): Promise<void> {
    await this.#turns.stop();
    // Already stopped with Postgres away: the lease ends by itself.
    await this.options.trail.lease(this.#holder, 0).catch(() => {});
  }

  async #turn(): Promise<void> {
    const { trail, everySeconds, log, metrics, tracer = silentTracer } = this.options;
    try {
      const lease = await trail.lease(this.#holder, Math.max(LEASE_MS, everySeconds * 2_000));
      if (lease === undefined) return;
      const work = async (): Promise<void> => {
        const signer = await this.#signer(lease);
        const isWhole = await this.#sign(lease, signer);
        await this.#sendAll();
        if (isWhole) await this.#cut(lease, signer);
      };
      await tracer.run('job checkpoint', work, AS_ROOT);
    } catch (error) {
      if (error instanceof LeaseLost) return;
      metrics.count('heddle_audit_checkpoint_failures_total');
      log.warn('no checkpoint could be made; it will be tried again', { reason: String(error) });
    }
  }

  /** @returns false when the chain is not whole: what was signed before shows it */
  async #sign(lease: AuditLease, signer: AuditKey): Promise<boolean> {
    const { trail, log, metrics } = this.options;
    try {
      const line = await trail.checkpoint(lease, signer);
      if (line !== undefined) metrics.count('heddle_audit_checkpoints_total');
      metrics.gauge('heddle_audit_broken', 0);
      return true;
    } catch (error) {
      if (!(error instanceof ChainBroken)) throw error;
      metrics.gauge('heddle_audit_broken', 1);
      log.error('the audit chain is broken and is not signed any more: heddle audit verify', { ...error.at });
      return false;
    }
  }

  /** Publishes keys that are new, each signed by the one before. */
  async #signer(lease: AuditLease): Promise<AuditKey> {
    const [first, ...later] = await this.options.keys();
    let before = first;
    for (const key of [first, ...later]) {
      if (!this.#announced.has(key.id)) await this.options.trail.announceKey(lease, key, before);
      this.#announced.add(key.id);
      before = key;
    }
    return before;
  }

  async #sendAll(): Promise<void> {
    const { trail, destinations } = this.options;
    const known = new Map((await trail.exports()).map((state) => [state.destination, state.statement]));
    await Promise.all(destinations.map((destination) => this.#sendTo(destination, known.get(destination.name) ?? 0)));
  }

  /** In order, each until it was taken: it may arrive twice, never not at all. */
  async #sendTo(destination: Destination, after: number): Promise<void> {
    const { trail, log, metrics } = this.options;
    try {
      for (let last = after; ; ) {
        const statements = await trail.statements(last, PAGE);
        for (const { id, document } of statements) {
          await destination.send(document, `heddle-audit-${id}`);
          await trail.exported(destination.name, id);
          last = id;
        }
        if (statements.length < PAGE) return;
      }
    } catch (error) {
      const reason = reasonOf(error);
      metrics.count('heddle_audit_export_failures_total');
      log.warn('a checkpoint could not be sent; it will be tried again', { destination: destination.name, reason });
      await trail.exportFailed(destination.name, reason);
    }
  }

  async #cut(lease: AuditLease, signer: AuditKey): Promise<void> {
    const { trail, historyDays, clock, log, destinations } = this.options;
    if (historyDays === 0 || clock.monotonic() - this.#cutAt < CUT_EVERY_MS) return;
    this.#cutAt = clock.monotonic();
    const deliver = async (line: string): Promise<void> => {
      for (const destination of destinations) await destination.send(line, 'heddle-audit-cut');
    };
    const actor = { name: 'system', role: 'system', ip: '', requestId: '' };
    try {
      const cut = await trail.cut({ lease, signer, actor, keepDays: historyDays, deliver });
      if (cut !== undefined) log.info('old history was removed', { revision: cut.revision, seq: cut.seq });
    } catch (error) {
      if (!(error instanceof NotOwner)) throw error;
      log.warn(error.message);
    }
  }
}

/** What fetch throws says why in its cause. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;
}
