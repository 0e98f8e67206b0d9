import { describe, expect, it } from 'vitest';
import { HandClock, settled } from '../../testing/src/clock/index.js';
import { Turns } from './turns.js';

/** Turns that end when they are told to. */
function held() {
  const ends: (() => void)[] = [];
  const begun: number[] = [];
  const clock = new HandClock();
  const turns = new Turns(() => {
    begun.push(clock.now());
    return new Promise((resolve) => ends.push(resolve));
  });
  return {
    ...{ clock, turns, begun },
    end: async () => {
      ends.shift()?.();
      await settled();
    },
  };
}

describe('turns', () => {
  it('begin in time, and those that come due while one is under way are left out', async () => {
    const { clock, turns, begun, end } = held();
    turns.start(clock, 1_000);
    turns.start(clock, 1_000);
    await clock.advance(3_500_500);
    expect(begun).toEqual([1_000]);
    await end();
    await clock.advance(400);
    expect(begun).toEqual([1_000]);
    await clock.advance(100);
    expect(begun).toEqual([1_000, 3_501_000]);
  });

  it('can be asked for: it sees what is so now, and is one for all who ask meanwhile', async () => {
    const { turns, begun, end } = held();
    const first = turns.take();
    const others = [turns.take(), turns.take()];
    expect(others[0]).toBe(others[1]);
    expect(begun).toHaveLength(1);
    await end();
    await first;
    expect(begun).toHaveLength(2);
    const after = turns.take();
    expect(after).not.toBe(others[0]);
    await end();
    await Promise.all(others);
    await end();
    await after;
    expect(begun).toHaveLength(3);
  });

  it('end: whoever stops them waits for one, however many were due', async () => {
    const { clock, turns, begun, end } = held();
    turns.start(clock, 1_000);
    await clock.advance(3_600_000);
    let isStopped = false;
    const stopping = turns.stop().then(() => {
      isStopped = true;
    });
    await settled();
    expect(isStopped).toBe(false);
    await end();
    await stopping;
    await clock.advance(10_000);
    expect(begun).toHaveLength(1);
    await turns.stop();
  });

  it('go on after one that failed', async () => {
    let turn = 0;
    const turns = new Turns(async () => {
      turn += 1;
      if (turn === 1) throw new Error('a mistake');
    });
    const [first, second] = [turns.take(), turns.take()];
    await expect(first).rejects.toThrow('a mistake');
    await second;
    await turns.take();
    expect(turn).toBe(3);
  });
});
