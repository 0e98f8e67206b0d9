import { describe, expect, it } from 'vitest';
import { type News, Spreading } from './spreading.js';
import type { Watcher } from './view-record.js';

const watcher = (): Watcher => ({ touch: () => {}, touchAll: () => {} });

/** A clock that a step moves by an eighth of a millisecond, and turns of the event loop that are taken by hand. */
function setUp() {
  const woken: (number | 'all')[] = [];
  const turns: (() => void)[] = [];
  let now = 0;
  const spreading = new Spreading({
    monotonic: () => now,
    nextTurn: (task) => void turns.push(task),
    wake: (streams) => void woken.push(streams?.size ?? 'all'),
  });
  const news = (change: number, size: number, urgent = false): News => {
    const told = new Set<Watcher>();
    const steps = (function* () {
      for (let step = 0; step < size; step++) {
        now += 1 / 8;
        told.add(watcher());
        yield;
      }
    })();
    return { change, urgent, woken: told, steps };
  };
  return { spreading, news, woken, turn: () => turns.shift()?.(), turns };
}

describe('what publications tell', () => {
  it('is told before the publication returns, when it is little', () => {
    const { spreading, news, woken, turns } = setUp();
    spreading.tell(news(1, 3));
    expect([spreading.change, spreading.underWay, woken, turns.length]).toEqual([1, false, [3], 0]);
  });

  it('takes several turns when it is much, and is not counted before its end', () => {
    const { spreading, news, woken, turn } = setUp();
    spreading.tell(news(1, 1));
    spreading.tell(news(2, 150));
    const told: number[] = [];
    spreading.whenTold(() => told.push(spreading.change));
    // The first ones are sent it before the last ones are told.
    expect([spreading.change, spreading.underWay, woken]).toEqual([1, true, [1, 32]]);
    turn();
    expect([spreading.change, woken, told]).toEqual([1, [1, 32], []]);
    turn();
    expect([spreading.change, spreading.underWay, woken, told]).toEqual([2, false, [1, 32, 'all'], [2]]);
    spreading.whenTold(() => told.push(3));
    expect(told).toEqual([2, 3]);
  });

  it('endpoints overtake, everything else keeps its order', () => {
    const { spreading, news, woken, turn, turns } = setUp();
    spreading.tell(news(1, 160));
    spreading.tell(news(2, 1));
    spreading.tell(news(3, 2, true));
    expect([woken, spreading.change]).toEqual([[32, 2], 0]);
    while (turns.length > 0) turn();
    expect([woken, spreading.change]).toEqual([[32, 2, 'all', 'all'], 3]);
  });
});
