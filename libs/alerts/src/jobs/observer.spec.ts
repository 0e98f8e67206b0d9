import { expect, it } from 'vitest';
import { silentLog, silentMetrics } from '#libs/kernel';
import { BEHIND_FROM_MS } from '#libs/model';
import type { AlertObservation } from '#libs/store';
import { HandClock } from '../../../testing/src/clock/index.js';
import { ProxyObserver } from './observer.js';

it('tells of who is behind from the time on that the least rule is about', async () => {
  const clock = new HandClock();
  const said: AlertObservation[] = [];
  const observer = new ProxyObserver({
    sources: { observe: async (seen) => void said.push(...seen) },
    watch: { refusals: () => [], behind: () => ['default/shop/web/web-1'] },
    ...{ everySeconds: 1, clock, log: silentLog, metrics: silentMetrics },
  });
  observer.start();
  await clock.advance(BEHIND_FROM_MS - 1);
  expect(said).toEqual([]);
  await clock.advance(1);
  const behind = [{ node: 'default/shop/web/web-1', forMs: BEHIND_FROM_MS }];
  expect(said).toEqual([{ mesh: 'default', refusing: [], behind }]);
  await observer.stop();
});

it('looks one time after the other: while Postgres does not answer, ticks do not pile up', async () => {
  const clock = new HandClock();
  let [looks, answered] = [0, (): void => {}];
  const observer = new ProxyObserver({
    sources: {
      observe: () =>
        new Promise((resolve) => {
          answered = resolve;
        }),
    },
    watch: {
      refusals: () => [{ node: 'default/shop/web/web-1', type: 'CDS', name: 'x', message: `${++looks}` }],
      behind: () => [],
    },
    ...{ everySeconds: 1, clock, log: silentLog, metrics: silentMetrics },
  });
  observer.start();
  await clock.advance(60_000);
  expect(looks).toBe(1);
  const stopped = observer.stop();
  answered();
  await stopped;
  expect(looks).toBe(1);
});
