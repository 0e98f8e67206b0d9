import { describe, expect, it } from 'vitest';
import { PATTERN_NAMES } from '../src/index.js';
import { runScenario } from './simulator/evaluate.js';
import { buildScenario } from './simulator/scenario.js';
import { judge } from './simulator/score.js';
import { SHAPES } from './simulator/shapes.js';

/** A small mesh, so that a run takes a moment. How well faults are named in large ones says `npm run bench:patterns`. */
const [layers] = SHAPES;
const SMALL = layers && { ...layers, services: 30, layers: 4 };
const SEED = 77;

function verdictOf(faults: Parameters<typeof buildScenario>[2], seed: number) {
  if (SMALL === undefined) throw new RangeError('no shape');
  return judge(runScenario(buildScenario(SMALL, seed, faults), { baselineMinutes: 15 }));
}

describe('a simulated mesh', () => {
  it.each(PATTERN_NAMES)('has its %s named', (name) => {
    const { found, invented } = verdictOf([name], SEED);
    expect(found.map(({ pattern }) => pattern.name)).toEqual([name]);
    expect(found.map(({ scope }) => scope)).toEqual([true]);
    expect(invented.map(({ pattern }) => pattern.sentence)).toEqual([]);
  });

  it.each([1, 2, 3])('without a fault is left alone (seed %i)', (seed) => {
    expect(verdictOf([], seed).invented).toEqual([]);
  });

  it('is the same for the same seed', () => {
    expect(verdictOf(['bad_host'], 5)).toEqual(verdictOf(['bad_host'], 5));
  });
});
