import { expect, it } from 'vitest';
import { EdgeMemories } from './edge-memories.js';
import type { Edge } from './edge-tally.js';

const edge = (i: number): Edge => ({ caller: 'shop/front', callee: `shop/back-${i}/8080`, subset: '' });

/** Remembers that edge and where its requests go. */
function remember(memories: EdgeMemories, mesh: string, i: number, at: number): void {
  const memory = memories.of(mesh, edge(i), at);
  for (let to = 0; to < 20; to++) {
    const way = { callerZone: '', instance: `shop/back/back-${to}`, version: '', zone: '' };
    memory.ways.add(way.instance, way, 1);
  }
}

const knows = (memories: EdgeMemories, mesh: string, i: number): boolean =>
  memories.of(mesh, edge(i), 0).ways.shares.length > 0;

it('an edge is remembered until nothing came of it for long', () => {
  const memories = new EdgeMemories();
  remember(memories, 'm', 1, 10);
  remember(memories, 'm', 2, 20);
  expect(memories.forget(20)).toBe(0);
  expect([knows(memories, 'm', 1), knows(memories, 'm', 2)]).toEqual([false, true]);
});

it('SEC-9 where there is no room for all, the mesh that has most forgets those that were seen longest ago', () => {
  const memories = new EdgeMemories(300_000);
  for (let i = 0; i < 10; i++) remember(memories, 'small', i, 1);
  for (let i = 0; i < 500; i++) remember(memories, 'large', i, 2);
  // It is seen again.
  remember(memories, 'large', 0, 3);
  const forgotten = memories.forget(0);
  expect(forgotten).toBeGreaterThan(400);
  expect(memories.forget(0)).toBe(0);
  expect([0, 1, 498, 499].map((i) => knows(memories, 'large', i))).toEqual([true, false, true, true]);
  expect([0, 9].map((i) => knows(memories, 'small', i))).toEqual([true, true]);
});

it('what an edge takes is what is remembered of it', () => {
  const memories = new EdgeMemories();
  const memory = memories.of('m', edge(1), 1);
  const empty = memory.bytes;
  remember(memories, 'm', 1, 2);
  expect(memory.bytes).toBeGreaterThan(empty + 20 * 200);
  for (let bucket = 0; bucket < 10; bucket++) memory.ways.age();
  expect(memory.bytes).toBe(empty);
});
