import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  isHostName,
  parseDuration,
  parseIpv4,
  parseIpv6,
  parseSpiffeId,
  regexProblem,
  suggest,
  unsafeHost,
  workloadId,
} from './index.js';

describe('durations', () => {
  it.each([
    ['0s', 0],
    ['500ms', 500],
    ['1h30m', 5_400_000],
    ['1m1s1ms', 61_001],
    ['99999h', 359_996_400_000],
  ])('%s is %d ms', (text, ms) => expect(parseDuration(text)).toBe(ms));

  it.each(['', '1', '1.5s', '-1s', '1d', '1S', ' 1s', '1s ', '100000s', '1h1h1h1h1h', '1s\n'])('%j is none', (text) => {
    expect(parseDuration(text)).toBeUndefined();
  });
});

describe('SPIFFE ids', () => {
  it('SEC-19 have one spelling only', () => {
    const good = 'spiffe://default.heddle.local/shop/web';
    expect(parseSpiffeId(good)).toEqual({ trustDomain: 'default.heddle.local', path: ['shop', 'web'] });
    for (const bad of [
      'spiffe://default.heddle.local',
      'spiffe://default.heddle.local/',
      `${good}/`,
      'spiffe://default.heddle.local//web',
      'spiffe://default.heddle.local/shop/../web',
      'spiffe://default.heddle.local/./web',
      'spiffe://default.heddle.local/shop/%2e%2e/web',
      'spiffe://Default.heddle.local/shop/web',
      'SPIFFE://default.heddle.local/shop/web',
      'spiffe://default.heddle.local:80/shop/web',
      'spiffe://user@default.heddle.local/shop/web',
      `${good}?a`,
      `${good}#a`,
      `${good}\0`,
      `${good}\n`,
      'spiffe://default.heddle.local/shop/wéb',
      `spiffe://default.heddle.local/${'a'.repeat(2048)}`,
      'https://default.heddle.local/shop/web',
      'spiffe:///shop/web',
    ]) {
      expect(parseSpiffeId(bad), bad).toBeUndefined();
    }
  });

  it('SEC-19 round trip: what is parsed prints as it was written', () => {
    fc.assert(
      fc.property(
        fc
          .tuple(fc.constantFrom('spiffe://', 'spiffe://td/', 'spiffe://td/a/'), fc.string())
          .map((parts) => parts.join('')),
        (text) => {
          const id = parseSpiffeId(text);
          if (id) expect(`spiffe://${id.trustDomain}/${id.path.join('/')}`).toBe(text);
        },
      ),
    );
    expect(parseSpiffeId(workloadId('default.heddle.local', 'shop', 'web'))?.path).toEqual(['shop', 'web']);
  });
});

describe('regular expressions', () => {
  it.each(['a+', '/v[0-9]{1,3}/(orders|items)', '(?i)abc', '[^/]+', '.{0,40}'])('SEC-40 takes %s', (text) => {
    expect(regexProblem(text)).toBeUndefined();
  });

  it.each([
    ['look-ahead', '(?=a)', /RE2 syntax/],
    ['back-reference', '(a)\\1', /RE2 syntax/],
    ['no expression', '(', /RE2 syntax/],
    ['a large count', '(a{500}){2}', /too large/],
    ['characters of many bytes', '\\pL', /too large/],
    ['nested counts', '((a{100}){100}){100}', /RE2 syntax/],
    ['a long text', 'a'.repeat(1025), /1024/],
    ['a line feed', 'a\nb', /CR, LF/],
  ])('SEC-40 refuses %s', (_, text, message) => {
    expect(regexProblem(text)).toMatch(message);
  });

  it('SEC-40 never takes longer for a bomb of other engines', () => {
    expect(regexProblem('(a+)+$')).toBeUndefined();
  });
});

describe('addresses', () => {
  it.each(['1.2.3', '1.2.3.4.5', '01.2.3.4', '256.1.1.1', '1.2.3.4 ', 'a.b.c.d', '0x7f.0.0.1'])(
    '%s is no IPv4 address',
    (text) => {
      expect(parseIpv4(text)).toBeUndefined();
    },
  );

  it.each([
    ['::', [0, 0, 0, 0, 0, 0, 0, 0]],
    ['::1', [0, 0, 0, 0, 0, 0, 0, 1]],
    ['2001:db8::8', [0x2001, 0xdb8, 0, 0, 0, 0, 0, 8]],
    ['::ffff:1.2.3.4', [0, 0, 0, 0, 0, 0xffff, 0x102, 0x304]],
    ['1:2:3:4:5:6:7:8', [1, 2, 3, 4, 5, 6, 7, 8]],
  ])('%s is an IPv6 address', (text, groups) => expect(parseIpv6(text)).toEqual(groups));

  it.each([
    ':',
    ':::',
    '1::2::3',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '12345::',
    '::1%eth0',
    '1:2:3:4:5:6:7::8',
    '::1.2.3',
  ])('%s is none', (text) => {
    expect(parseIpv6(text)).toBeUndefined();
  });

  it('SEC-49 no spelling of the loopback network gets through', () => {
    const byte = fc.nat(255);
    fc.assert(
      fc.property(byte, byte, byte, (b, c, d) => {
        const v4 = `127.${b}.${c}.${d}`;
        for (const text of [v4, `::ffff:${v4}`, `::${v4}`, `64:ff9b::${v4}`])
          expect(unsafeHost(text), text).toBeDefined();
      }),
    );
  });

  it.each(['10.0.0.1', '192.168.1.1', '8.8.8.8', '2001:db8::1', 'fd12::1', 'example.com', 'localhost.example.com'])(
    'SEC-49 %s is fine',
    (text) => {
      expect(unsafeHost(text)).toBeUndefined();
    },
  );

  it.each(['127.1', 'a.0x7f', 'Example.com', 'a..b', 'a.', '*.b', 'a_b', '', '-a.b'])('%j is no host name', (text) => {
    expect(isHostName(text)).toBe(false);
  });
});

describe('suggestions', () => {
  it.each([
    ['protocl', 'protocol'],
    ['PORTS', 'ports'],
    ['hostname', 'hostnames'],
    ['xyz', undefined],
    ['constructor', undefined],
  ])('%s is %s', (word, expected) => expect(suggest(word, ['ports', 'protocol', 'hostnames'])).toBe(expected));
});
