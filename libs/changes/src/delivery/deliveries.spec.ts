import { describe, expect, it } from 'vitest';
import type { KnownProgress, ReplicaProgress } from '#libs/store';
import { HandClock } from '../../../testing/src/clock/index.js';
import { Deliveries } from './deliveries.js';
import type { Delivery } from './types.js';

const none = { refusing: 0, elapsedMs: 0, refused: [], behind: [] };
const CHANGE = { revision: 7, at: new Date(0).toISOString() };
const DAY_MS = 86_400_000;

/** Replica `a`, which is asked, beside replica `b`, which writes rows. */
class Replicas {
  readonly clock = new HandClock();
  readonly deliveries: Deliveries;
  reads = 0;
  isAway = false;
  here: Omit<ReplicaProgress, 'replica'> = { ...none, total: 2, acked: 0 };
  there: Omit<ReplicaProgress, 'replica'> | undefined;
  readonly #listeners = new Set<(mesh: string) => void>();

  constructor() {
    this.deliveries = new Deliveries({
      clock: this.clock,
      progress: { of: (_, [change = 0]) => this.#read(change) },
      local: {
        replica: 'a',
        of: () => this.here,
        onProgress: (listener) => {
          this.#listeners.add(listener);
          return () => this.#listeners.delete(listener);
        },
      },
    });
  }

  #read(change: number): Promise<readonly KnownProgress[]> {
    this.reads += 1;
    if (this.isAway) return Promise.reject(new Error('away'));
    const progress = this.there && { ...this.there, replica: 'b' };
    return Promise.resolve([{ change, replica: 'b', alive: true, progress }]);
  }

  ack(): void {
    this.here = { ...this.here, acked: this.here.acked + 1 };
    for (const listener of this.#listeners) listener('m');
  }

  watch(): { readonly told: string[]; readonly leave: () => void } {
    const told: string[] = [];
    const leave = this.deliveries.watch('m', CHANGE, ({ state, acked, total }: Delivery) =>
      told.push(`${state} ${acked}/${total}`),
    );
    return { told, leave };
  }
}

describe('Deliveries', () => {
  it('tells the state at once, what proxies here answer, and what other replicas write', async () => {
    const replicas = new Replicas();
    const { told } = replicas.watch();
    await replicas.clock.advance(0);
    expect(told).toEqual(['Delivering 0/2']);
    replicas.ack();
    await replicas.clock.advance(200);
    replicas.there = { ...none, total: 1, acked: 1 };
    await replicas.clock.advance(450);
    expect(told).toEqual(['Delivering 0/2', 'Delivering 1/2', 'Delivering 2/3']);
    replicas.ack();
    await replicas.clock.advance(200);
    expect(told.at(-1)).toBe('Delivered 3/3');
  });

  it('tells at most five times a second, and the last of all', async () => {
    const replicas = new Replicas();
    replicas.here = { ...none, total: 1_000, acked: 0 };
    replicas.there = { ...none, total: 0, acked: 0 };
    const { told } = replicas.watch();
    for (let i = 0; i < 1_000; i += 1) {
      replicas.ack();
      await replicas.clock.advance(1);
    }
    await replicas.clock.advance(200);
    expect(told.length).toBeLessThanOrEqual(7);
    expect(told.at(-1)).toBe('Delivered 1000/1000');
  });

  it('looks at the rows once for all who watch, and not at all when nobody does', async () => {
    const replicas = new Replicas();
    const watches = [replicas.watch(), replicas.watch(), replicas.watch()];
    await replicas.clock.advance(0);
    await replicas.clock.advance(1_000);
    expect(replicas.reads).toBe(5);
    expect(watches.map(({ told }) => told.length)).toEqual([1, 1, 1]);
    for (const { leave } of watches) leave();
    await replicas.clock.advance(10_000);
    expect([replicas.reads, replicas.deliveries.watched]).toEqual([5, 0]);
  });

  it('goes on when Postgres has been away', async () => {
    const replicas = new Replicas();
    replicas.isAway = true;
    const { told } = replicas.watch();
    await replicas.clock.advance(1_000);
    expect(told).toEqual([]);
    replicas.isAway = false;
    replicas.there = { ...none, total: 0, acked: 0 };
    await replicas.clock.advance(250);
    replicas.isAway = true;
    replicas.ack();
    replicas.ack();
    await replicas.clock.advance(250);
    expect(told).toEqual(['Delivering 0/2', 'Delivered 2/2']);
  });

  it('says that it does not know what is older than what is kept', async () => {
    const replicas = new Replicas();
    const state = async (at?: string) => (await replicas.deliveries.one('m', { revision: 7, at })).state;
    await replicas.clock.advance(29 * DAY_MS);
    expect(await state(CHANGE.at)).toBe('Delivering');
    await replicas.clock.advance(2 * DAY_MS);
    expect([await state(CHANGE.at), await state()]).toEqual(['Unknown', 'Unknown']);
    const { told } = replicas.watch();
    await replicas.clock.advance(0);
    expect(told).toEqual(['Unknown 0/0']);
  });
});
