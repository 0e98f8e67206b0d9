import { describe, expect, it } from 'vitest';
import { instance } from '../testing/fixtures.js';
import type { InstanceState } from './rows.js';
import { decideSweep } from './sweep.js';

const NOW = 1_000_000;
const options = { detachedForMs: 1_000, removeLeavingAfterMs: 100 };

const state = (name: string, more: Partial<InstanceState> = {}): InstanceState => ({
  ...instance(name),
  uid: name,
  features: [],
  envoyVersion: '',
  attached: [{ replica: 'a', epoch: 'e', stream: 1 }],
  routable: true,
  leaving: false,
  leavingAt: 0,
  detachedAt: 0,
  runtimeRevision: 1,
  ...more,
});
const lost = (name: string, more: Partial<InstanceState> = {}): InstanceState =>
  state(name, { attached: [], detachedAt: NOW - 1_000, ...more });
const many = (count: number, make: (name: string) => InstanceState, prefix: string): InstanceState[] =>
  Array.from({ length: count }, (_, index) => make(`${prefix}${index}`));

const removed = (all: readonly InstanceState[]): string[] => decideSweep(all, NOW, options).removed.map((i) => i.name);

describe('a sweep', () => {
  it('removes what has been detached for long enough, and nothing sooner', () => {
    expect(removed([lost('old'), lost('young', { detachedAt: NOW - 999, workload: 'w' }), state('live')])).toEqual([
      'old',
    ]);
  });

  it('never removes an instance that has not connected yet', () => {
    expect(removed([state('fresh', { attached: [], detachedAt: 0 })])).toEqual([]);
  });

  it('lets a single instance go, however small its workload', () => {
    expect(removed([lost('only')])).toEqual(['only']);
  });

  it('keeps a whole workload when more than a tenth of it would go at once', () => {
    const fleet = many(200, (name) => state(name, { workload: 'other' }), 'other-');
    const tenth = [...many(18, state, 'live-'), ...many(2, lost, 'lost-')];
    expect(removed([...fleet, ...tenth])).toHaveLength(2);
    const fifth = [...many(8, state, 'live-'), ...many(2, lost, 'lost-')];
    expect(decideSweep([...fleet, ...fifth], NOW, options)).toEqual({ removed: [], held: ['default/default/orders'] });
  });

  it('keeps a whole mesh when more than a twentieth of it would go at once', () => {
    const spread = Array.from({ length: 40 }, (_, i) => (i < 3 ? lost : state)(`i-${i}`, { workload: `w-${i}` }));
    expect(decideSweep(spread, NOW, options)).toEqual({ removed: [], held: ['default'] });
    expect(removed(spread.map((i) => (i.name === 'i-0' ? { ...i, mesh: 'second' } : i)))).toEqual(['i-0']);
  });

  it('removes any number that was deregistered, for somebody said so', () => {
    const leaving = many(10, (name) => state(name, { leaving: true, leavingAt: NOW - 100 }), 'gone-');
    expect(removed(leaving)).toHaveLength(10);
    expect(removed(leaving.map((i) => ({ ...i, leavingAt: NOW - 99 })))).toEqual([]);
  });
});
