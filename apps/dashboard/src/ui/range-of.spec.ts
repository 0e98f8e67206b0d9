import { describe, expect, it } from 'vitest';
import { rangeOf } from './range-of';

const of = (search: string) => rangeOf(new URLSearchParams(search));

describe('the time that an address is about', () => {
  it.each([
    ['', 'since=1h', true],
    ['range=7d', 'since=7d', true],
    ['range=5y', 'since=1h', true],
    ['from=x&to=y', 'since=1h', true],
    ['from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z', 'since=1h', true],
    [
      'from=2026-01-01T00:00:00Z&to=2026-01-01T02:00:00%2B01:00',
      'from=2026-01-01T00%3A00%3A00.000Z&to=2026-01-01T01%3A00%3A00.000Z',
      false,
    ],
  ])('%s is %s', (search, query, isLive) => {
    expect(of(search)).toMatchObject({ query, isLive });
  });

  it('is the same when an address is made of it', () => {
    for (const search of ['range=6h', 'from=2026-01-01T00:00:00Z&to=2026-01-02T00:00:00Z'])
      expect(of(of(search).search).query).toBe(of(search).query);
  });
});
