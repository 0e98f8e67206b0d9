import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AlertLife } from '#libs/store';
import { step, UNKNOWN_ENDS_MS } from './lifecycle.js';
import type { Verdict } from './verdict.js';

const PATIENCE = { forMs: 60_000, keepFiringMs: 30_000 };
const WORDS: Readonly<Record<string, Verdict>> = { x: 'holds', '.': 'over', '?': 'unknown' };

/** Every 15 s one letter: x holds, . is over, ? is unknown. @returns the states, `-` for none, in the same way */
function live(verdicts: string, patience = PATIENCE, everyMs = 15_000): string {
  let life: AlertLife | undefined;
  let states = '';
  for (const [index, letter] of verdicts.split('').entries()) {
    life = step(life, WORDS[letter] ?? 'unknown', index * everyMs, patience);
    states += life ? (life.state[0] ?? '').toUpperCase() : '-';
  }
  return states;
}

describe('the life of an alert', () => {
  it.each([
    ['it fires when it has held for its time', '.xxxxxx', '-PPPPFF'],
    ['it is dropped when it is over before', 'xxx.xx', 'PPP-PP'],
    ['it ends when it has been over for its time', 'xxxxx....', 'PPPPFFFRR'],
    ['a flicker keeps it', 'xxxxx.x.x...', 'PPPPFFFFFFFR'],
    ['it comes back as another one', 'xxxxx...xxxxx', 'PPPPFFFRPPPPF'],
    ['what is not known begins nothing', '????', '----'],
    ['and does not count as time that it held', 'x???xxxxx', 'PPPPPPPPF'],
    ['nor as time that it is over', 'xxxxx.???...', 'PPPPFFFFFFFR'],
  ])('%s', (_, verdicts, states) => {
    expect(live(verdicts)).toBe(states);
  });

  it('without patience it fires and ends at once', () => {
    expect(live('x.x', { forMs: 0, keepFiringMs: 0 })).toBe('FRF');
  });

  it('a pause of whoever looks is no time that was watched', () => {
    const hour = 3_600_000;
    const first = step(undefined, 'holds', 0, { ...PATIENCE, forMs: 120_000 });
    expect(step(first, 'holds', hour, { ...PATIENCE, forMs: 120_000 })?.state).toBe('pending');
  });

  it('of what nothing is known for a day nothing is claimed', () => {
    const quiet = '?'.repeat(UNKNOWN_ENDS_MS / 60_000 - 1);
    const states = live(`x${quiet}??`, { forMs: 0, keepFiringMs: 0 }, 60_000);
    expect(states).toMatch(/^F+R+$/);
    expect(states.indexOf('R')).toBe(UNKNOWN_ENDS_MS / 60_000);
  });

  it('it never fires before it was seen to hold for its time, nor ends before it was seen to be over for its', () => {
    const letters = fc.string({ unit: fc.constantFrom('x', '.', '?'), maxLength: 60 });
    fc.assert(
      fc.property(letters, fc.nat(8), fc.nat(8), (verdicts, held, kept) => {
        const states = live(verdicts, { forMs: held * 15_000, keepFiringMs: kept * 15_000 });
        for (let at = 0; at < states.length; at += 1) {
          const before = states[at - 1] ?? '-';
          if (states[at] === 'F' && before !== 'F') expect(count(verdicts, at, 'x', '.')).toBeGreaterThanOrEqual(held);
          if (states[at] === 'R' && before === 'F') expect(count(verdicts, at, '.', 'x')).toBeGreaterThanOrEqual(kept);
          if (states[at] !== before && verdicts[at] === '?') throw new Error('moved by what is not known');
        }
      }),
      { numRuns: 500 },
    );
  });
});

/** Steps of 15 s up to here that were seen as `letter`, back to the last one that was the opposite. */
function count(verdicts: string, to: number, letter: string, opposite: string): number {
  let steps = 0;
  for (let at = to; at > 0 && verdicts[at] !== opposite; at -= 1)
    if (verdicts[at] === letter && verdicts[at - 1] === letter) steps += 1;
  return steps;
}
