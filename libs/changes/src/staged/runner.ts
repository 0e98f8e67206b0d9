/** The fenced job that moves staged changes on: one replica decides, all report what they see. */
import { randomUUID } from 'node:crypto';
import { type Clock, isStagedOpen, type Log, type Metrics, Turns } from '#libs/kernel';
import { needsIncludeSecurity } from '#libs/model';
import { type Actor, type Lease, LeaseLost, type StagedChange } from '#libs/store';
import { bySystem } from '../authorize.js';
import type { ChangesDeps } from '../types.js';
import { giveUp, membersOf, promote, undo } from './acts.js';
import { type Decision, decide } from './decide.js';
import type { Evidence } from './evidence.js';
import { freshEvidence } from './report.js';

export interface StagedRunnerOptions {
  readonly deps: ChangesDeps;
  readonly replica: string;
  /** What this replica sees of an open or watched change. */
  readonly evidence: (change: StagedChange) => Evidence;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** How often those that are not over are looked at; without any, now and then, lest a notice was lost. */
const EVERY_MS = 250;
const IDLE_EVERY_MS = 5_000;
const LEASE_MS = 3_000;
/** What has not changed is said again so often. */
const AGAIN_MS = 1_500;

const SYSTEM: Actor = { name: 'system:staged', role: 'system', ip: '', requestId: '' };

export class StagedRunner {
  readonly #holder: string;
  readonly #turns = new Turns(() => this.#turn());
  #nextAt = Number.NEGATIVE_INFINITY;
  #stop: (() => void) | undefined;
  readonly #said = new Map<string, { readonly text: string; readonly at: number }>();

  constructor(private readonly options: StagedRunnerOptions) {
    this.#holder = `${options.replica}/${randomUUID()}`;
  }

  start(): void {
    this.#stop ??= this.options.clock.every(EVERY_MS, () => this.#maybe());
  }

  /** Something is to be looked at: a change was staged, or took a step. */
  wake(): void {
    this.#nextAt = Number.NEGATIVE_INFINITY;
  }

  /** One round; the next begins when it has ended. */
  tick(): Promise<void> {
    return this.#turns.take();
  }

  async stop(): Promise<void> {
    this.#stop?.();
    await this.#turns.stop();
    // Without Postgres the lease ends by itself.
    await this.options.deps.store.leases.take('staged', this.#holder, 0).catch(() => {});
  }

  #maybe(): void {
    if (this.options.clock.monotonic() >= this.#nextAt) this.#turns.begin();
  }

  async #turn(): Promise<void> {
    const { deps, clock, log, metrics } = this.options;
    try {
      // Set before it is looked: whoever wakes it meanwhile has something newer.
      this.#nextAt = clock.monotonic() + IDLE_EVERY_MS;
      const changes = await deps.store.staged.unfinished();
      if (changes.length > 0) this.wake();
      metrics.gauge('heddle_staged_changes', changes.length);
      metrics.gauge('heddle_staged_held', changes.filter(({ state }) => state === 'held').length);
      if (changes.length === 0) return;
      for (const change of changes) await this.#contained(change, 'report', () => this.#report(change));
      const lease = await deps.store.leases.take('staged', this.#holder, LEASE_MS);
      if (lease) await this.#decideAll(changes, lease);
    } catch (error) {
      if (error instanceof LeaseLost) return;
      metrics.count('heddle_staged_failures_total');
      log.warn('staged changes could not be looked at and will be again', { reason: String(error) });
    }
  }

  async #report(change: StagedChange): Promise<void> {
    if (change.state === 'queued') return;
    const { deps, replica, evidence, clock } = this.options;
    const seen = evidence(change);
    const { settledMs: _, ...lasting } = seen;
    const text = JSON.stringify([change.revision, lasting]);
    const said = this.#said.get(change.id);
    const now = clock.monotonic();
    if (said?.text === text && now - said.at < AGAIN_MS) return;
    await deps.store.staged.report(change.id, { replica, revision: change.revision, evidence: seen });
    this.#said.set(change.id, { text, at: now });
    if (this.#said.size > 1_000) this.#said.clear();
  }

  async #decideAll(changes: readonly StagedChange[], lease: Lease): Promise<void> {
    const { deps } = this.options;
    const replicas = await deps.store.staged.replicas();
    // The first of a mesh has its turn first: what is opened now keeps the others waiting.
    const open = new Map(changes.filter(isStagedOpen).map(({ mesh, id }) => [mesh, id]));
    for (const change of changes)
      await this.#contained(change, 'step', async () => {
        const decision = decide(change, {
          openBefore: open.get(change.mesh),
          replicas,
          evidence: await freshEvidence(deps.store, change),
          isTightening: isTightening(deps, change),
        });
        // Also when it fails: it may have been opened, and the next one of the mesh waits for the next turn.
        if (decision.do === 'open') open.set(change.mesh, change.id);
        await this.#act(change, decision, lease);
      });
  }

  /** One that fails keeps no other from its turn. @throws LeaseLost */
  async #contained(change: StagedChange, what: 'report' | 'step', act: () => Promise<void>): Promise<void> {
    const { log, metrics } = this.options;
    try {
      await act();
    } catch (error) {
      if (error instanceof LeaseLost) throw error;
      metrics.count('heddle_staged_failures_total');
      log.warn('a staged change could not take its next step; it will be tried again', {
        ...{ change: change.id, mesh: change.mesh, what, reason: String(error) },
      });
    }
  }

  async #act(change: StagedChange, decision: Decision, lease: Lease): Promise<void> {
    const { deps, log, metrics } = this.options;
    const { id, mesh, wave, state } = change;
    if (decision.do === 'wait') return;
    const said = { change: id, mesh, ...decision };
    if (decision.do === 'hold' || decision.do === 'revert') {
      log.warn(`a staged change is ${decision.do === 'hold' ? 'held' : 'taken back'}`, said);
      metrics.count(decision.do === 'hold' ? 'heddle_staged_held_total' : 'heddle_staged_reverted_total');
    } else {
      log.info('a staged change takes its next step', said);
    }
    const by = { actor: SYSTEM, lease };
    const step = (states: StagedChange['state'][], to: Parameters<typeof deps.store.staged.step>[0]['to']) =>
      deps.store.staged.step({ id, actor: SYSTEM, lease, from: { states, wave }, to });
    switch (decision.do) {
      case 'open':
      case 'widen': {
        const next = decision.do === 'open' ? 0 : decision.wave;
        const members = await membersOf(deps, change, next);
        if (members) await step([state], { state: 'canary', wave: next, members });
        break;
      }
      case 'promote':
        await this.#promote(change, lease);
        break;
      case 'finish':
        await step(['watched'], { state: 'done', reason: decision.reason });
        break;
      case 'hold':
        await step(['canary'], { state: 'held', reason: decision.reason });
        break;
      case 'revert':
        if (state === 'watched') await undo(deps, change, { ...by, authorize: bySystem }, decision.reason);
        else await giveUp(deps, change, by, { state: 'reverted', reason: decision.reason });
    }
  }

  /** Under the author's name: he asked for it. What cannot be everybody's any more is given up. */
  async #promote(change: StagedChange, lease: Lease): Promise<void> {
    const { deps } = this.options;
    const done = await promote(deps, change, { actor: change.actor, lease });
    if (done.ok || done.error.code === 'staged-moved') return;
    const reason = `it could not be made everybody's: ${JSON.stringify(done.error)}`;
    await giveUp(deps, change, { actor: SYSTEM, lease }, { state: 'failed', reason });
  }
}

const isTightening = ({ registry }: ChangesDeps, { items }: StagedChange): boolean =>
  items.some(({ id }) =>
    registry.kinds.some((info) => info.kind === id.kind && info.kind !== 'Mesh' && needsIncludeSecurity(info)),
  );
