import { describe, expect, it } from 'vitest';
import { silentLog, silentMetrics } from '#libs/kernel';
import { type ProgressRow, StoreUnavailable } from '#libs/store';
import type { NackInfo, StreamInfo } from '#libs/xds';
import { HandClock } from '../../../testing/src/clock/index.js';
import { ProgressRecorder, ProgressTracker } from './index.js';

const MESH = 'm';

/** A replica with proxies `p1`, `p2`, ..., whose streams have the same numbers. */
class Replica {
  readonly clock = new HandClock();
  readonly tracker = new ProgressTracker(this.clock);
  readonly writes: { readonly at: number; readonly rows: readonly ProgressRow[] }[] = [];
  readonly begun: ProgressRow[] = [];
  fails = 0;
  /** Config revision of a row that is refused, alone or with others. */
  poison = 0;
  #change = 0;

  constructor() {
    const save = (rows: readonly ProgressRow[]): Promise<void> => {
      if (this.fails-- > 0) return Promise.reject(new StoreUnavailable('away'));
      if (rows.some(({ change }) => change === this.poison)) return Promise.reject(new Error('no such text'));
      this.writes.push({ at: this.clock.now(), rows });
      return Promise.resolve();
    };
    const begin = (rows: readonly ProgressRow[]): Promise<void> => Promise.resolve(void this.begun.push(...rows));
    const progress = { save, begin, resume: () => Promise.resolve() };
    const { clock, tracker } = this;
    new ProgressRecorder({
      ...{ tracker, progress, clock, replica: 'r', log: silentLog, metrics: silentMetrics },
    }).start();
    this.publish(1, []);
  }

  /** @returns the number of the publication */
  publish(configRevision: number, streams: readonly number[], names: readonly string[] = []): number {
    this.#change += 1;
    const resources = names.map((name) => ({ type: '', name }));
    const change = { change: this.#change, mesh: MESH, configRevision, runtimeRevision: 0, touched: 1, resources };
    this.tracker.published(
      { ...change, viewsChanged: false },
      new Map(streams.map((stream) => [stream, `p${stream}`])),
    );
    return this.#change;
  }

  refuse(stream: number, change: number, name: string): void {
    const type = 'type.googleapis.com/envoy.config.listener.v3.Listener';
    const nack = { type, names: [name], message: `no ${name}`, change, isolated: true } as unknown as NackInfo;
    this.tracker.refused({ id: stream, node: { id: `p${stream}` } } as unknown as StreamInfo, MESH, nack);
  }

  /** `acked/total` with `!` for each that refuses. */
  state(revision: number): string {
    const { acked = -1, total = -1, refusing = 0 } = this.tracker.of(MESH, revision) ?? {};
    return `${acked}/${total}${'!'.repeat(refusing)}`;
  }

  get written(): readonly ProgressRow[] {
    return this.writes.flatMap(({ rows }) => rows);
  }
}

describe('ProgressTracker', () => {
  it('counts who has all of a revision; who is caught up at a later one is caught up at this one', () => {
    const replica = new Replica();
    replica.publish(2, [1, 2, 3]);
    const later = replica.publish(3, [1, 2]);
    replica.tracker.caughtUp(3, later);
    replica.tracker.caughtUp(1, later);
    expect([replica.state(2), replica.state(3)]).toEqual(['2/3', '1/2']);
    replica.tracker.caughtUp(2, later);
    expect([replica.state(2), replica.state(3)]).toEqual(['3/3', '2/2']);
  });

  it('counts a proxy that refuses as refusing, not as one that has it, and once, whatever it refuses', () => {
    const replica = new Replica();
    const change = replica.publish(2, [1, 2], ['a', 'b']);
    replica.refuse(1, change, 'a');
    replica.refuse(1, change, 'b');
    replica.tracker.caughtUp(1, change);
    replica.tracker.caughtUp(2, change);
    expect(replica.state(2)).toBe('1/2!');
    expect(replica.tracker.of(MESH, 2)?.refused.map(({ name, type }) => `${type} ${name}`)).toEqual(['LDS a', 'LDS b']);
  });

  it('puts a refusal down to the revision that set the resource', () => {
    const replica = new Replica();
    replica.publish(2, [1, 2], ['bad']);
    const later = replica.publish(3, [1, 2], ['good']);
    replica.refuse(1, later, 'bad');
    expect([replica.state(2), replica.state(3)]).toEqual(['0/2!', '0/2']);
    replica.refuse(2, replica.publish(3, [1]), 'of somebody else');
    expect([replica.state(2), replica.state(3)]).toEqual(['0/2!', '0/2!']);
  });

  it('waits a while for who has left, then not until he is back', async () => {
    const replica = new Replica();
    const change = replica.publish(2, [1, 2]);
    replica.tracker.caughtUp(1, change);
    replica.tracker.closed(2, 'p2');
    expect(replica.state(2)).toBe('1/2');
    await replica.clock.advance(10_000);
    expect(replica.state(2)).toBe('1/1');
    replica.tracker.opened(12, 'p2');
    expect(replica.state(2)).toBe('1/2');
    replica.tracker.caughtUp(12, change);
    expect(replica.state(2)).toBe('2/2');
  });

  it('expects proxies of an earlier process of the replica back, for a while', async () => {
    const replica = new Replica();
    replica.tracker.expect('m2', new Set());
    replica.tracker.expect(MESH, new Set(['p1', 'p2', 'p3']));
    const change = replica.publish(2, []);
    expect(replica.state(2)).toBe('0/3');
    replica.tracker.opened(11, 'p1');
    expect(replica.state(2)).toBe('0/3');
    replica.tracker.caughtUp(11, change);
    const later = replica.publish(3, [11]);
    expect([replica.state(2), replica.state(3)]).toEqual(['1/3', '0/3']);
    await replica.clock.advance(10_000);
    expect([replica.state(2), replica.state(3)]).toEqual(['1/1', '0/1']);
    replica.tracker.opened(12, 'p2');
    replica.tracker.caughtUp(12, later);
    expect([replica.state(2), replica.state(3)]).toEqual(['2/2', '1/2']);
  });

  it('answers for a revision between two by the later one, and keeps revisions whatever instances do', async () => {
    const replica = new Replica();
    const change = replica.publish(5, [1]);
    replica.tracker.caughtUp(1, change);
    for (let i = 0; i < 5_000; i += 1) replica.tracker.caughtUp(1, replica.publish(5, [1]));
    expect(replica.state(4)).toBe('1/1');
    expect(await replica.tracker.settled(change, 0)).toBe(true);
  });

  it('forgets those that are answered first', () => {
    const replica = new Replica();
    replica.publish(2, [1]);
    for (let revision = 3; revision < 300; revision += 1) replica.publish(revision, []);
    expect(replica.tracker.of(MESH, 2)).toMatchObject({ revision: 2, total: 1, acked: 0 });
    expect(replica.tracker.of(MESH, 3)?.elapsedMs).toBe(0);
  });
});

describe('ProgressRecorder', () => {
  it('writes at most five times a second, and ends with what is so', async () => {
    const replica = new Replica();
    const streams = Array.from({ length: 500 }, (_, i) => i + 1);
    const change = replica.publish(2, streams);
    for (const stream of streams) {
      replica.tracker.caughtUp(stream, change);
      await replica.clock.advance(4);
    }
    await replica.clock.advance(400);
    expect(replica.writes.length).toBeGreaterThan(5);
    expect(replica.writes.length).toBeLessThanOrEqual(12);
    expect(replica.written.at(-1)).toMatchObject({ mesh: MESH, change: 2, replica: 'r', total: 500, acked: 500 });
  });

  it('names who is behind for more than 10 s, without being told', async () => {
    const replica = new Replica();
    replica.publish(2, [1]);
    await replica.clock.advance(9_000);
    expect(replica.written.map(({ behind }) => behind)).toEqual([[]]);
    await replica.clock.advance(1_500);
    expect(replica.written.at(-1)?.behind).toEqual([{ proxy: 'p1', sinceMs: 10_000 }]);
    await replica.clock.advance(60_000);
    expect(replica.written).toHaveLength(2);
  });

  it('writes what a replica had loaded in another way, and nothing of runtime changes', async () => {
    const replica = new Replica();
    await replica.clock.advance(1_000);
    replica.tracker.caughtUp(1, replica.publish(1, [1]));
    await replica.clock.advance(1_000);
    expect([replica.begun, replica.written]).toEqual([[expect.objectContaining({ change: 1, total: 0 })], []]);
  });

  it('writes again what could not be written', async () => {
    const replica = new Replica();
    replica.fails = 1;
    replica.tracker.caughtUp(1, replica.publish(2, [1]));
    await replica.clock.advance(500);
    expect(replica.written).toEqual([]);
    await replica.clock.advance(1_000);
    expect(replica.written).toEqual([expect.objectContaining({ change: 2, acked: 1 })]);
  });

  it('is kept from no row by another that Postgres does not take, which is tried again when it has changed', async () => {
    const replica = new Replica();
    replica.poison = 2;
    const second = replica.publish(2, [1, 2]);
    replica.tracker.caughtUp(1, second);
    replica.tracker.caughtUp(1, replica.publish(3, [1]));
    await replica.clock.advance(2_000);
    expect(replica.written.map(({ change, acked }) => [change, acked])).toEqual([[3, 1]]);
    replica.poison = 0;
    replica.tracker.caughtUp(2, second);
    await replica.clock.advance(1_000);
    expect(replica.written.at(-1)).toMatchObject({ change: 2, acked: 2 });
  });
});
