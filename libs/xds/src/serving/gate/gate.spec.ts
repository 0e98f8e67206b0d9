import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { silentMetrics, systemClock } from '#libs/kernel';
import { HandClock } from '../../../../testing/src/clock/index.js';
import { addressOf, clientOf } from './address.js';
import { FairQueue } from './fair-queue.js';
import { Gate, type GateOptions } from './gate.js';
import { LoopPace } from './loop-pace.js';

describe('the queue before the gate', () => {
  const drain = (queue: FairQueue<string>): string[] => {
    const taken: string[] = [];
    for (let item = queue.take(); item !== undefined; item = queue.take()) taken.push(item);
    return taken;
  };

  it('NET-3 serves addresses in turn, and each in its order', () => {
    const queue = new FairQueue<string>(10);
    for (const item of ['a1', 'a2', 'a3', 'b1', 'c1', 'c2']) queue.add(item.slice(0, 1), item);
    expect(queue.size).toBe(6);
    expect(drain(queue)).toEqual(['a1', 'b1', 'c1', 'a2', 'c2', 'a3']);
    expect(queue.size).toBe(0);
  });

  it('NET-3 when it is full, the newest of who has the most goes, and not who has one', () => {
    const queue = new FairQueue<string>(3);
    for (const item of ['a1', 'a2', 'a3']) expect(queue.add('a', item)).toBeUndefined();
    expect(queue.add('b', 'b1')).toBe('a3');
    expect(queue.add('a', 'a4')).toBe('a4');
    expect(queue.size).toBe(3);
    expect(drain(queue)).toEqual(['a1', 'b1', 'a2']);
  });

  it('forgets who has left', () => {
    const queue = new FairQueue<string>(3);
    for (const item of ['a1', 'b1', 'a2']) queue.add(item.slice(0, 1), item);
    expect([queue.delete('b', 'b1'), queue.delete('b', 'b1'), queue.delete('a', 'a1')]).toEqual([true, false, true]);
    expect([queue.size, ...drain(queue)]).toEqual([1, 'a2']);
  });
});

describe('whom an address stands for', () => {
  it.each([
    ['192.0.2.7', '192.0.2.7'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['2001:db8:1:2:aaaa:bbbb:cccc:dddd', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::1', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['::1', '::1'],
    ['', ''],
  ])('SEC-8 %s counts as %s', (address, client) => {
    expect(clientOf(address)).toBe(client);
  });

  it('is what stands before the port in a peer', () => {
    expect(['192.0.2.7:80', '::1:443'].map(addressOf)).toEqual(['192.0.2.7', '::1']);
  });
});

describe('the pace', () => {
  /** How many begin in each of ten turns that take so long, with always more to begin. */
  async function began(turnMs: number): Promise<number[]> {
    let now = 0;
    const clock = { ...systemClock, monotonic: () => now };
    const begun: number[] = [];
    const pace: LoopPace = new LoopPace(clock, 20, () => {
      let n = 0;
      for (; pace.open; n++) pace.begin();
      begun.push(n);
    });
    pace.begin();
    while (begun.length < 10) {
      now += turnMs;
      await turn();
    }
    return begun.slice(0, 10);
  }

  it('REL-12 grows while turns are short', async () => {
    expect(await began(5)).toEqual([9, 10, 11, 12, 13, 14, 15, 16, 17, 18]);
  });

  it('REL-12 is halved by a turn that is too long, and never nothing', async () => {
    expect(await began(30)).toEqual([4, 2, 1, 1, 1, 1, 1, 1, 1, 1]);
  });
});

describe('the gate', () => {
  class Door {
    readonly seen: string[] = [];
    readonly leaves: (() => void)[] = [];
    readonly clock = new HandClock();
    readonly gate: Gate;

    constructor(options: Partial<GateOptions> & { readonly queue?: number } = {}) {
      this.gate = new Gate({
        ...{ name: 'stream', places: 2, metrics: silentMetrics, clock: this.clock },
        limits: { admissionQueue: options.queue ?? 100, admissionWaitMs: 1_000, admissionTurnMs: 20 },
        ...options,
      });
    }

    come(who: string, address = '192.0.2.1'): () => void {
      return this.gate.enter({
        address,
        admit: (leave) => {
          this.seen.push(who);
          this.leaves.push(leave);
        },
        refuse: () => void this.seen.push(`${who} refused`),
      });
    }
  }

  it('REL-12 lets in at once while there are places, and others when somebody leaves', async () => {
    const door = new Door();
    for (const who of ['a', 'b', 'c', 'd']) door.come(who);
    await turn();
    expect(door.seen).toEqual(['a', 'b']);
    door.leaves[0]?.();
    door.leaves[0]?.();
    await turn();
    await turn();
    expect(door.seen).toEqual(['a', 'b', 'c']);
    expect(door.gate.waiting).toBe(1);
  });

  it('REL-12 refuses who was not let in within a second, and who is too much', async () => {
    const door = new Door({ places: 0, queue: 2 });
    for (const who of ['a', 'b', 'c']) door.come(who);
    expect(door.seen).toEqual(['c refused']);
    await door.clock.advance(999);
    expect(door.seen).toHaveLength(1);
    await door.clock.advance(1);
    await turn();
    expect(door.seen).toEqual(['c refused', 'a refused', 'b refused']);
    expect(door.gate.waiting).toBe(0);
  });

  it('REL-12 hears no more of who has withdrawn', async () => {
    const door = new Door({ places: 0 });
    door.come('a')();
    await door.clock.advance(2_000);
    await turn();
    expect([door.seen, door.gate.waiting]).toEqual([[], 0]);
  });

  it('REL-12 lets in one a turn while those inside have something to receive', async () => {
    const door = new Door({ places: 100, busy: () => true, clock: systemClock });
    for (let n = 0; n < 20; n++) door.come(`n${n}`);
    const before = door.seen.length;
    await turn();
    expect(door.seen.length).toBe(before + 1);
    await turn();
    expect(door.seen.length).toBe(before + 2);
  });
});
