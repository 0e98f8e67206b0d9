import { expect, it } from 'vitest';
import type { LogEntry } from '../access-logs/log-entry.js';
import { emptyEntry } from '../access-logs/log-entry.js';
import { EdgeMemory } from './edge-tally.js';
import { Harvesting } from './harvesting.js';
import { Joins } from './joins.js';
import { LiveRoom } from './live-room.js';
import { MeshBucket } from './mesh-bucket.js';
import { MeshNames } from './mesh-names.js';

const FROM = { mesh: 'm', namespace: 'shop', workload: 'shop/a', instance: 'shop/a/1', key: 'shop/1', zone: 'z' };

const entry = (to: number, fields: Partial<LogEntry>): LogEntry => ({
  ...{ ...emptyEntry(), cluster: `shop/back-${to}/8080`, upstream: '10.0.0.1:8080', status: 200, attempt: 1 },
  ...{ details: 'via_upstream', durationMs: 5, ...fields },
});

it('SEC-9 an edge is gone from the bucket before what went well of the next is made; failures come first', () => {
  const [room, names] = [new LiveRoom(), new MeshNames()];
  const part = () => room.part('m');
  const bucket = new MeshBucket(names, new Joins(part), part());
  for (let to = 0; to < 5; to++) {
    bucket.addRequest({ entry: entry(to, {}), of: 'request', from: FROM, endedAt: 0 }, 16);
    bucket.addRequest({ entry: entry(to, { status: 500 }), of: 'request', from: FROM, endedAt: 0 }, 1);
  }
  bucket.settle();
  const left: number[] = [];
  const harvesting = new Harvesting({ at: 0, lengthMs: 10_000, complete: true }, () => {
    left.push(bucket.tallies.size);
    return new EdgeMemory();
  });
  const harvest = harvesting.harvest('m', 's', bucket);
  expect(left).toEqual([5, 5, 5, 5, 5, 5, 4, 3, 2, 1]);
  expect(bucket.tallies.size).toBe(0);
  const outcomes = harvest?.edges.map(({ callee, outcome }) => `${callee} ${outcome}`);
  expect(outcomes).toEqual(
    ['error', 'ok'].flatMap((outcome) => [0, 1, 2, 3, 4].map((to) => `shop/back-${to}/8080 ${outcome}`)),
  );
});
