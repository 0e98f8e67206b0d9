import { describe, expect, it } from 'vitest';
import { GroupCommit } from './group-commit.js';

/** Commits that end when the test says so. */
function gated() {
  const batches: (readonly number[])[] = [];
  const gates: PromiseWithResolvers<readonly number[]>[] = [];
  const group = new GroupCommit<number, number>((items) => {
    batches.push(items);
    const gate = Promise.withResolvers<readonly number[]>();
    gates.push(gate);
    return gate.promise;
  }, 3);
  return { batches, gates, group };
}

describe('a group commit', () => {
  it('sends the first at once, and gathers the others while it is in flight', async () => {
    const { batches, gates, group } = gated();
    const first = group.submit(1);
    const others = [2, 3, 4, 5].map((n) => group.submit(n));
    expect(batches).toEqual([[1]]);
    gates[0]?.resolve([10]);
    expect(await first).toBe(10);
    expect(batches).toEqual([[1], [2, 3, 4]]);
    gates[1]?.resolve([20, 30, 40]);
    expect(await Promise.all(others.slice(0, 3))).toEqual([20, 30, 40]);
    gates[2]?.resolve([50]);
    expect(await others[3]).toBe(50);
  });

  it('tells everybody in a batch that it failed, and goes on with the next', async () => {
    const { gates, group } = gated();
    const lost = group.submit(1);
    const next = group.submit(2);
    gates[0]?.reject(new Error('away'));
    await expect(lost).rejects.toThrow('away');
    gates[1]?.resolve([2]);
    expect(await next).toBe(2);
  });
});
