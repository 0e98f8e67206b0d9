import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Cell, Foreign } from '../cell.js';
import { Holdings, SharedSets } from './holdings.js';

const cell = (name: string, version = '1'): Cell =>
  new Cell({ type: 'T', name, version, bytes: new Uint8Array() }, { encodes: 0 });
const CELLS = Array.from({ length: 20 }, (_, index) => cell(`c${index}`));

describe('what clients hold', () => {
  it('one set for a thousand who confirm the same, in whatever order it was sent', () => {
    const sets = new SharedSets();
    const clients = Array.from({ length: 1_000 }, () => new Holdings(sets));
    for (const [index, client] of clients.entries()) {
      const cells = index % 2 === 0 ? CELLS : CELLS.toReversed();
      expect(client.takeFirst(cells)).toBe(true);
    }
    expect(sets.built).toBe(1);
    const [one, other] = clients;
    one?.set('c3', cell('c3', '2'));
    one?.delete('c4');
    expect([one?.size, one?.get('c3')?.version, one?.has('c4')]).toEqual([19, '2', false]);
    expect([other?.size, other?.get('c3')?.version, other?.has('c4')]).toEqual([20, '1', true]);
  });

  it('another content is another set, and who holds something already takes none', () => {
    const sets = new SharedSets();
    new Holdings(sets).takeFirst(CELLS);
    new Holdings(sets).takeFirst([...CELLS.slice(1), cell('c0', '2')]);
    expect(sets.built).toBe(2);
    const holder = new Holdings(sets);
    holder.set('x', new Foreign('7'));
    expect([holder.takeFirst(CELLS), holder.size]).toEqual([false, 1]);
  });

  it('is a Map in all that is done with it', () => {
    const name = fc.integer({ min: 0, max: 25 }).map((index) => `c${index}`);
    const step = fc.tuple(fc.constantFrom('set', 'delete'), name, fc.constantFrom('1', '2'));
    const property = fc.property(fc.boolean(), fc.array(step, { maxLength: 40 }), (first, steps) => {
      const holdings = new Holdings(new SharedSets());
      const map = new Map<string, Cell>(first ? CELLS.map((one) => [one.name, one]) : []);
      if (first) holdings.takeFirst(CELLS);
      for (const [op, at, version] of steps) {
        const content = cell(at, version);
        for (const one of [holdings, map]) {
          if (op === 'set') one.set(at, content);
          else one.delete(at);
        }
        expect([holdings.size, holdings.has(at), holdings.get(at)]).toEqual([map.size, map.has(at), map.get(at)]);
      }
      expect(new Map(holdings)).toEqual(map);
      expect([...holdings.keys()].length).toBe(map.size);
      expect(new Set(holdings.values())).toEqual(new Set(map.values()));
    });
    fc.assert(property, { numRuns: 200 });
  });
});
