import { describe, expect, it } from 'vitest';
import { Catalog } from '../catalog.js';
import { Cell, type Lookup, WITHHELD } from '../cell.js';
import { NO_SUBSCRIPTION } from '../subscription.js';
import type { Publication } from '../types.js';
import { wholeOf } from './whole.js';

const cell = (name: string, rest: Partial<Cell> = {}): Cell =>
  new Cell({ type: 'T', name, version: '1', bytes: new Uint8Array(), ...rest }, { encodes: 0 });

const ALL = { wildcard: true, names: new Set<string>() };
const named = (...names: string[]) => ({ wildcard: false, names: new Set(names) });
const wholeIn = (found: Record<string, Lookup>, asked: typeof ALL) =>
  wholeOf(
    asked,
    () => Object.keys(found),
    (name) => found[name],
  )?.cells.map(({ name }) => name);

describe('all that a subscription includes', () => {
  it('is everything for a wildcard but what is on demand (WILD-5), and what is named for names', () => {
    const found = { a: cell('a'), b: cell('b', { onDemand: true }) };
    expect(wholeIn(found, ALL)).toEqual(['a']);
    expect(wholeIn(found, named('b', 'a'))).toEqual(['b', 'a']);
  });

  it.each([
    ['a name under which there is nothing', { a: cell('a') }, named('a', 'b')],
    ['what is withheld', { a: cell('a'), b: WITHHELD }, ALL],
    ['an alias', { a: cell('b') }, named('a')],
    ['TP-3 an xdstp name, which no wildcard includes', { 'xdstp://x/T/a': cell('xdstp://x/T/a') }, ALL],
    ['both a wildcard and names', { a: cell('a') }, { wildcard: true, names: new Set(['a']) }],
    ['no subscription', { a: cell('a') }, named()],
  ] as [string, Record<string, Lookup>, typeof ALL][])('is left to a look at each name: %s', (_what, found, asked) => {
    expect(wholeIn(found, asked)).toBeUndefined();
  });
});

describe('what a view includes', () => {
  const NOTHING = { layers: [], views: [], removed: [], removedLayers: [], removedViews: [] };
  const resource = (name: string, version: string) => ({
    ...{ key: name, type: 'T', name, version, bytes: new Uint8Array(), requires: [] },
  });
  const start: Publication = {
    ...{ ...NOTHING, change: 1, set: [resource('a', '1'), resource('b', '1')] },
    ...{ layers: [{ id: 'l', keys: ['a', 'b'] }], views: [{ id: 'v', layers: ['l'] }] },
  };
  const everything = { ...NO_SUBSCRIPTION, wildcard: true };

  it('is one list for all who ask, another when a content changes, and the same when others do', () => {
    const catalog = new Catalog();
    const view = catalog.view('v');
    expect(view.whole('T', everything)).toBeUndefined();
    catalog.publish(start);
    const first = view.whole('T', everything);
    expect(first?.cells.map(({ name }) => name)).toEqual(['a', 'b']);
    expect(view.whole('T', { ...everything, named: true })).toBe(first);
    catalog.publish({ ...NOTHING, change: 2, set: [resource('elsewhere', '1')] });
    expect(view.whole('T', everything)).toBe(first);
    catalog.publish({ ...NOTHING, change: 3, set: [resource('a', '2')] });
    expect(view.whole('T', everything)?.cells.map(({ version }) => version)).toEqual(['2', '1']);
    catalog.publish({ ...NOTHING, change: 4, set: [], removed: ['b'] });
    expect(view.whole('T', everything)).toBeUndefined(); // the layer still has it: it is withheld
  });
});
