import { describe, expect, it } from 'vitest';
import type { RequestCount } from '#libs/kernel';
import type { StagedChange } from '#libs/store';
import type { StreamInfo } from '#libs/xds';
import { HandClock } from '../../../testing/src/clock/index.js';
import { StagedWatch } from './staged-watch.js';

const WEB = 'default/shop/web/web-1';

/** A replica with one proxy, which has counted so many requests, all of which failed. */
class Replica {
  readonly clock = new HandClock();
  requests = 0;
  readonly watch = new StagedWatch({
    hostOf: () => undefined,
    streams: () => [{ id: 1, node: { id: WEB } } as unknown as StreamInfo],
    counts: { of: () => this.#counts(), heardOf: () => undefined },
    clock: this.clock,
  });

  #counts(): readonly RequestCount[] {
    const [requests, failures] = [this.requests, this.requests];
    return [{ node: WEB, scope: 'outbound', requests, failures }];
  }

  publish(configRevision: number): void {
    const change = { change: configRevision, mesh: 'default', configRevision, runtimeRevision: 0, touched: 1 };
    this.watch.published({ ...change, resources: [], viewsChanged: false }, new Map());
    this.requests += 100;
  }

  /** Requests since the revision, and before it, as far as they are known. */
  countedSince(appliedRevision: number): readonly number[] | undefined {
    const change = { mesh: 'default', id: 's-1', state: 'watched', revision: appliedRevision, appliedRevision };
    const { published, hosts } = this.watch.evidence({ ...change, members: [] } as unknown as StagedChange);
    if (!published) return undefined;
    const { requests = -1, requestsBefore = -1 } = hosts['']?.traffic['outbound'] ?? {};
    return [requests, requestsBefore];
  }
}

describe('what was counted when something was published', () => {
  it('is kept of the newest, whether or not somebody asks', () => {
    const replica = new Replica();
    for (const revision of [1, 2, 3]) replica.publish(revision);
    expect([1, 2, 3, 4].map((revision) => replica.countedSince(revision))).toEqual([
      [300, 0],
      [200, 100],
      [100, 200],
      undefined,
    ]);
  });

  it('is kept as long as somebody asks, however much is published', () => {
    const replica = new Replica();
    replica.publish(1);
    for (let revision = 2; revision < 30; revision++) {
      replica.countedSince(1);
      replica.publish(revision);
    }
    expect(replica.countedSince(1)).toEqual([2_900, 0]);
  });

  it('is not kept of others: those are counted from the next one on of which it is', async () => {
    const replica = new Replica();
    for (let revision = 1; revision <= 10; revision++) replica.publish(revision);
    expect(replica.countedSince(2)).toEqual([300, 700]);
  });

  it('is given up when nobody has asked for ten minutes', async () => {
    const replica = new Replica();
    replica.publish(1);
    replica.countedSince(1);
    await replica.clock.advance(601_000);
    for (const revision of [2, 3, 4, 5]) replica.publish(revision);
    expect(replica.countedSince(1)).toEqual([300, 200]);
  });
});
