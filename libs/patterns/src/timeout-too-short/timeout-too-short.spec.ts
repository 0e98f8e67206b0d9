import { describe, expect, it } from 'vitest';
import { type Call, FAULT, found, namesOf, sinceFault } from '../testing/observed.js';

const slow: Call = {
  from: 'web',
  to: 'orders',
  limitMs: 250,
  takes: (bucket) => (bucket >= FAULT ? 180 : 20),
  fails: (where) => (sinceFault(where) ? ['timeout', 0.3] : undefined),
};

describe('timeout_too_short', () => {
  it.each([
    ['the work takes longer', slow],
    [
      'the limit was moved into what it usually takes',
      { ...slow, takes: () => 180, fails: (where) => (sinceFault(where) ? ['timeout', 1] : undefined) },
    ],
  ] as [string, Call][])('when %s', (_, call) => {
    const [pattern, ...rest] = found({ calls: [call] });
    expect(rest).toEqual([]);
    expect(pattern?.name).toBe('timeout_too_short');
    expect(pattern?.sentence).toMatch(/than the 25\d ms that it is given/);
  });

  it('is not something that hangs: answers are as quick as ever, or there are none', () => {
    expect(namesOf({ calls: [{ ...slow, takes: () => 20 }] })).toEqual(['failing_dependency']);
  });
});
