import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatSpiffeId, parseSpiffeId, parseTrustDomain } from './spiffe.js';
import { defaultTrustDomain, spiffeId } from './types.js';

const letter = fc.constantFrom('a', 'z', '0', '9', 'mesh', 'w-1');
const label = fc.array(letter, { minLength: 1, maxLength: 3 }).map((parts) => parts.join(''));
const domain = fc.array(label, { minLength: 1, maxLength: 4 }).map((labels) => labels.join('.'));
const junk = fc.constantFrom(
  '/',
  '//',
  '.',
  '..',
  '-',
  '%2f',
  '%2e',
  'A',
  '\0',
  '\n',
  ' ',
  '?',
  '#',
  '@',
  ':',
  '\u0430',
  'b',
  '',
);

describe('parseSpiffeId', () => {
  it('SEC-19 accepts what Heddle issues and gives back its parts', () => {
    expect(parseSpiffeId('spiffe://shop.heddle.local/default/orders-blue')).toEqual({
      ok: true,
      value: { trustDomain: 'shop.heddle.local', namespace: 'default', workload: 'orders-blue' },
    });
  });

  it.each([
    ['an empty text', ''],
    ['another scheme', 'https://a.b/ns/w'],
    ['an upper-case scheme', 'SPIFFE://a.b/ns/w'],
    ['no path', 'spiffe://a.b'],
    ['one segment', 'spiffe://a.b/ns'],
    ['three segments', 'spiffe://a.b/ns/w/x'],
    ['a trailing slash', 'spiffe://a.b/ns/w/'],
    ['a double slash', 'spiffe://a.b//w'],
    ['a dot segment', 'spiffe://a.b/./w'],
    ['a parent segment', 'spiffe://a.b/ns/..'],
    ['an escaped parent segment', 'spiffe://a.b/ns/%2e%2e'],
    ['an escaped slash', 'spiffe://a.b/ns/w%2fx'],
    ['an upper-case trust domain', 'spiffe://A.b/ns/w'],
    ['an upper-case workload', 'spiffe://a.b/ns/W'],
    ['a port', 'spiffe://a.b:8080/ns/w'],
    ['user information', 'spiffe://u@a.b/ns/w'],
    ['a query', 'spiffe://a.b/ns/w?x=1'],
    ['a fragment', 'spiffe://a.b/ns/w#x'],
    ['a NUL', 'spiffe://a.b/ns/w\0'],
    ['a line feed', 'spiffe://a.b/ns/w\n'],
    ['a Cyrillic letter', 'spiffe://a.b/ns/\u0430'],
    ['a full-width letter', 'spiffe://a.b/ns/\uff57'],
    ['an empty trust domain', 'spiffe:///ns/w'],
    ['a trust domain that ends in a dot', 'spiffe://a.b./ns/w'],
    ['a space before', ' spiffe://a.b/ns/w'],
    ['more than 2048 bytes', `spiffe://a.b/ns/${'w'.repeat(2048)}`],
  ])('SEC-19 refuses %s', (_, text) => {
    expect(parseSpiffeId(text).ok).toBe(false);
  });

  it('SEC-19 round-trips every id it accepts', () => {
    fc.assert(
      fc.property(domain, label, label, (trustDomain, namespace, workload) => {
        const id = { trustDomain, namespace, workload };
        expect(parseSpiffeId(formatSpiffeId(id))).toEqual({ ok: true, value: id });
      }),
    );
  });

  it('SEC-19 accepts no text but the one it would write itself', () => {
    const near = fc.tuple(domain, label, label, fc.nat(60), junk).map(([d, n, w, at, odd]) => {
      const text = spiffeId(d, n, w);
      return text.slice(0, at) + odd + text.slice(at);
    });
    fc.assert(
      fc.property(near, (text) => {
        const parsed = parseSpiffeId(text);
        expect(parsed.ok ? formatSpiffeId(parsed.value) : text).toBe(text);
      }),
    );
  });

  it('refuses to write an id from parts that it would not read', () => {
    expect(() => formatSpiffeId({ trustDomain: 'a.b', namespace: 'x/y', workload: 'w' })).toThrow(/SPIFFE/);
  });
});

describe('parseTrustDomain', () => {
  it.each(['a', 'shop.heddle.local', '1.2.3.4', 'x-y.z'])('accepts %s', (text) => {
    expect(parseTrustDomain(text)).toEqual({ ok: true, value: text });
  });
  it.each(['', '.', 'A', 'a..b', '-a', 'a_b', 'a/b', 'spiffe://a', 'x'.repeat(254)])('refuses %j', (text) => {
    expect(parseTrustDomain(text).ok).toBe(false);
  });
  it('accepts the default of every mesh name', () => {
    expect(parseTrustDomain(defaultTrustDomain('default'))).toEqual({ ok: true, value: 'default.heddle.local' });
  });
});
