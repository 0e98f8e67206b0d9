import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseMatcher, printMatcher } from './index.js';

describe('matchers of alerts', () => {
  it.each([
    ['severity="critical"', { label: 'severity', operator: '=', value: 'critical' }],
    [' team != payments ', { label: 'team', operator: '!=', value: 'payments' }],
    ['service=~"orders|web"', { label: 'service', operator: '=~', value: 'orders|web' }],
    ['a!~b.*', { label: 'a', operator: '!~', value: 'b.*' }],
    ['gone=""', { label: 'gone', operator: '=', value: '' }],
    ['x="a\\"b\\\\c\\nd"', { label: 'x', operator: '=', value: 'a"b\\c\nd' }],
  ])('%s is read', (text, expected) => {
    expect(parseMatcher(text)).toEqual({ ok: true, value: expected });
  });

  it.each(['', 'severity', '="x"', 'a-b=c', 'x="y', 'x=y z', 'x="\\q"', `x="${'y'.repeat(2_000)}"`])(
    '%s is refused',
    (text) => {
      expect(parseMatcher(text).ok).toBe(false);
    },
  );

  it('SEC-40: regular expressions are RE2, bounded, and never run in the engine of JavaScript', () => {
    expect(parseMatcher('x=~"(?=a)"')).toMatchObject({ ok: false, error: expect.stringContaining('RE2') });
    expect(parseMatcher('x=~"((a{50}){50}){50}"').ok).toBe(false);
  });

  it('are printed so that they are read the same', () => {
    fc.assert(
      fc.property(fc.constantFrom('=' as const, '!=' as const), fc.string({ maxLength: 100 }), (operator, value) => {
        const matcher = { label: 'team', operator, value };
        expect(parseMatcher(printMatcher(matcher))).toEqual({ ok: true, value: matcher });
      }),
    );
  });
});
