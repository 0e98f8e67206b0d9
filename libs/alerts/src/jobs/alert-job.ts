import { randomUUID } from 'node:crypto';
import {
  AS_ROOT,
  type Clock,
  canonicalJson,
  type Log,
  type Metrics,
  type Span,
  silentTracer,
  type Tracer,
} from '#libs/kernel';
import { ALERT_SEVERITIES } from '#libs/model';
import { type AlertRow, type Lease, LeaseLost, type Store, StoreUnavailable } from '#libs/store';
import type { Courier } from '../delivery/courier.js';
import { notificationOf } from '../delivery/notification.js';
import { type AlertEvent, evolve } from '../engine/alerts.js';
import { assess } from '../engine/assess.js';
import type { ServerFacts, Signals } from '../ports.js';
import { type DueNotification, dispatch, receiverKey } from '../routing/dispatch.js';
import type { FactsReader } from './facts.js';
import type { MeshRules, RuleBook } from './rule-book.js';
import { after } from './turn-order.js';

export interface AlertJobOptions {
  readonly store: Pick<Store, 'leases' | 'alerts' | 'silences' | 'alertOutbox' | 'ping'>;
  readonly book: Pick<RuleBook, 'meshes' | 'known'>;
  readonly facts: Pick<FactsReader, 'server' | 'mesh'>;
  /** Undefined: rules over the traffic say that no source is connected. */
  readonly signals: Signals | undefined;
  readonly courier: Pick<Courier, 'turn' | 'idle'>;
  /** Of this replica. */
  readonly replica: string;
  /** At least 1. */
  readonly everySeconds: number;
  /** '' = not known. */
  readonly externalUrl: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Default: one that keeps nothing. */
  readonly tracer?: Tracer | undefined;
}

/** A holder that stops gives it back at once; one that was killed is followed by another replica after this. */
const LEASE_MS = 30_000;
const DELIVER_EVERY_MS = 1_000;
const PRUNE_EVERY_MS = 3_600_000;
/** Ended alerts are shown for this long. */
const KEPT_MS = 3_600_000;

/**
 * Looks at everything that is watched, decides who is to be told, and has it told. All replicas run it; the one with the lease
 * does it. What is to be sent is written in the same transaction as what it tells of, and sent afterwards, so that a process
 * that is killed in between leaves it to the next one.
 */
export class AlertJob {
  readonly #holder: string;
  #running: Promise<void> | undefined;
  #delivering: Promise<void> | undefined;
  #isStopping = false;
  /** Severities of what fires, by mesh: as of the last look at it that succeeded. */
  readonly #firing = new Map<string, readonly string[]>();
  /** The mesh that was begun last. */
  #last = '';
  #lease: Lease | undefined;
  #prunedAt = Number.NEGATIVE_INFINITY;
  #stops: readonly (() => void)[] = [];

  constructor(private readonly options: AlertJobOptions) {
    this.#holder = `${options.replica}/${randomUUID()}`;
  }

  start(): void {
    if (this.#stops.length > 0) return;
    this.#isStopping = false;
    const { clock, everySeconds } = this.options;
    // Turns keep their errors to themselves: there is nothing to wait for.
    this.#stops = [
      clock.every(everySeconds * 1_000, () => void this.tick()),
      clock.every(DELIVER_EVERY_MS, () => void this.#deliver()),
    ];
    void this.tick();
  }

  /** Begins a turn, unless one is under way. @returns when that has ended; it never rejects */
  tick(): Promise<void> {
    this.#running ??= this.#turn().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  /** Ends after the mesh that is looked at: the others are for the next replica. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    for (const stop of this.#stops) stop();
    this.#stops = [];
    await this.#running;
    await this.#delivering;
    await this.options.courier.idle();
    // Already stopped with Postgres away: the lease ends by itself.
    await this.options.store.leases.take('alerts', this.#holder, 0).catch(() => {});
  }

  async #turn(): Promise<void> {
    const { clock, log, metrics, tracer = silentTracer } = this.options;
    const before = clock.monotonic();
    try {
      if ((await this.#renewed()) === undefined) return;
      await tracer.run('job alerts', (span) => this.#lookAtAll(span), AS_ROOT);
      metrics.observe('heddle_alert_turn_seconds', (clock.monotonic() - before) / 1_000);
    } catch (error) {
      this.#lease = undefined;
      if (error instanceof LeaseLost) return;
      metrics.count('heddle_alert_turn_failures_total');
      log.warn('alerts could not be looked at; it will be tried again', { reason: String(error) });
    }
    // One that is under way may have read before this turn wrote.
    await this.#delivering;
    await this.#deliver();
  }

  /** Undefined while another replica has it. */
  async #renewed(): Promise<Lease | undefined> {
    this.#lease = await this.options.store.leases.take('alerts', this.#holder, LEASE_MS);
    return this.#lease;
  }

  async #lookAtAll(span: Span): Promise<void> {
    const { book, facts, metrics } = this.options;
    const server = await facts.server();
    const meshes = await book.meshes();
    for (const mesh of after(meshes, this.#last)) {
      if (this.#isStopping) return;
      // Each has a whole lease to itself, and is not begun with again when it has used all of it up.
      const lease = await this.#renewed();
      if (lease === undefined) throw new LeaseLost('alerts');
      this.#last = mesh;
      await this.#contained(lease, mesh, server);
    }
    for (const mesh of this.#firing.keys()) if (!meshes.includes(mesh)) this.#firing.delete(mesh);
    const firing = [...this.#firing.values()].flat();
    span.set('heddle.alerts.firing', firing.length);
    for (const severity of ALERT_SEVERITIES)
      metrics.gauge('heddle_alerts_firing', firing.filter((one) => one === severity).length, { severity });
    await this.#prune();
  }

  /**
   * What goes wrong in one mesh is no reason not to look at the others (SEC-70), statements of it that Postgres does not
   * answer in time among them. @throws LeaseLost; StoreUnavailable when it answers nothing
   */
  async #contained(lease: Lease, mesh: string, server: ServerFacts): Promise<void> {
    const { book, store } = this.options;
    try {
      await this.#look(lease, await book.known(mesh), server);
    } catch (error) {
      if (error instanceof LeaseLost) throw error;
      if (error instanceof StoreUnavailable && !(await store.ping())) throw error;
      this.options.metrics.count('heddle_alert_turn_failures_total');
      this.options.log.error('the alerts of a mesh could not be looked at', { mesh, error });
    }
  }

  async #look(lease: Lease, rules: MeshRules, server: ServerFacts): Promise<void> {
    const { store, clock, signals, facts } = this.options;
    const { mesh } = rules;
    const now = clock.now();
    const [before, groups, silences, queued] = [
      await store.alerts.list(mesh),
      await store.alerts.groups(mesh),
      await store.silences.list(mesh),
      await store.alertOutbox.queued(mesh),
    ];
    const known = { facts: await facts.mesh(rules), server, now };
    const { alerts, events } = evolve(before, await assess(rules, known, signals), now);
    const { receivers } = rules;
    const told = dispatch({ alerts, receivers, silences, groups, queued, now });
    const kept = alerts.filter(
      ({ state, resolvedAt, fingerprint }) =>
        state !== 'resolved' || now - resolvedAt < KEPT_MS || told.awaited.has(fingerprint),
    );
    await this.#commit(lease, mesh, {
      ...{ put: changed(before, kept), removed: gone(before, kept), events: events.filter(isHistory) },
      ...{ groups: told.groups, removedGroups: told.removedGroups },
      notifications: told.notifications.map((one) => this.#written(one)),
    });
    const firing = kept.filter(({ state }) => state === 'firing');
    this.#firing.set(
      mesh,
      firing.map(({ labels }) => labels['severity'] ?? ''),
    );
  }

  #written(due: DueNotification) {
    const { receiver, groupKey } = due;
    return { receiver: receiverKey(receiver), groupKey, payload: notificationOf(due, this.options.externalUrl) };
  }

  async #commit(
    lease: Lease,
    mesh: string,
    turn: Omit<Parameters<Store['alerts']['commit']>[1], 'mesh'>,
  ): Promise<void> {
    if (Object.values(turn).every((list) => list.length === 0)) return;
    await this.options.store.alerts.commit(lease, { mesh, ...turn });
  }

  /** Only the holder of the lease does it, as far as it knows: one that was stalled may tell somebody twice, never not at all. */
  #deliver(): Promise<void> {
    if (this.#lease === undefined) return Promise.resolve();
    this.#delivering ??= this.#send().finally(() => {
      this.#delivering = undefined;
    });
    return this.#delivering;
  }

  async #send(): Promise<void> {
    const { courier, log, metrics } = this.options;
    try {
      await courier.turn();
    } catch (error) {
      metrics.count('heddle_alert_turn_failures_total');
      log.warn('notifications could not be read; it will be tried again', { reason: String(error) });
    }
  }

  async #prune(): Promise<void> {
    const { clock, store } = this.options;
    if (clock.monotonic() - this.#prunedAt < PRUNE_EVERY_MS) return;
    this.#prunedAt = clock.monotonic();
    await store.alerts.prune();
  }
}

/** What only might have become one is no history. */
const isHistory = ({ state }: AlertEvent): boolean => state === 'firing' || state === 'resolved';

function changed(before: readonly AlertRow[], now: readonly AlertRow[]): readonly AlertRow[] {
  const known = new Map(before.map((alert) => [alert.fingerprint, alert]));
  return now.filter((alert) => {
    const old = known.get(alert.fingerprint);
    return old === undefined || (old !== alert && canonicalJson(old) !== canonicalJson(alert));
  });
}

function gone(before: readonly AlertRow[], now: readonly AlertRow[]): readonly string[] {
  const kept = new Set(now.map(({ fingerprint }) => fingerprint));
  return before.map(({ fingerprint }) => fingerprint).filter((fingerprint) => !kept.has(fingerprint));
}
