import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseStrictJson } from './strict-json.js';

const parse = (text: string) => parseStrictJson(new TextEncoder().encode(text));
const refusal = (text: string): string => {
  const result = parse(text);
  return result.ok ? 'accepted' : `${result.error.code} ${result.error.path}`;
};

describe('strict JSON', () => {
  it('reads every JSON value as JSON.parse does', () => {
    fc.assert(
      fc.property(fc.json({ noUnicodeString: false }), (text) => {
        // What is refused on purpose is not what this compares.
        fc.pre(!/\\u0000|__proto__|constructor|prototype/.test(text));
        const result = parse(text);
        if (result.ok) expect(result.value).toEqual(JSON.parse(text));
        else expect(result.error.code).toBe('invalid-character');
      }),
    );
  });

  it('accepts exactly what JSON.parse accepts, of short texts of its alphabet', () => {
    const alphabet = fc.constantFrom('{', '}', '[', ']', ',', ':', '"', '\\', 'a', '1', '-', 'e', '.', ' ', 'null');
    fc.assert(
      fc.property(fc.array(alphabet, { maxLength: 12 }), (parts) => {
        const text = parts.join('');
        const result = parse(text);
        if (result.ok) expect(result.value).toEqual(JSON.parse(text));
        else if (result.error.code === 'malformed-json') expect(() => JSON.parse(text) as unknown).toThrow();
      }),
    );
  });

  it.each([
    ['{"a":1,"a":2}', 'duplicate-name /a'],
    ['{"a":1,"\\u0061":2}', 'duplicate-name /a'],
    ['{"x":[{"b":{}},{"b":1,"c":2,"b":3}]}', 'duplicate-name /x/1/b'],
    ['{"__proto__":{"a":1}}', 'forbidden-name /__proto__'],
    ['{"spec":{"constructor":{}}}', 'forbidden-name /spec/constructor'],
    ['{"a":"\\u0000"}', 'invalid-character /a'],
    ['["\\ud800"]', 'invalid-character /0'],
    ['[0,1e999]', 'number-too-large /1'],
    ['{"a":', 'malformed-json '],
    ['', 'malformed-json '],
  ])('SEC-37: refuses %s', (text, expected) => {
    expect(refusal(text)).toBe(expected);
  });

  it('keeps equal names of different objects apart, and values that look like names', () => {
    expect(refusal('{"a":{"a":"a"},"b":[{"a":1},{"a":1}],"c":"__proto__"}')).toBe('accepted');
  });

  it('refuses text that is not UTF-8', () => {
    expect(parseStrictJson(new Uint8Array([0x22, 0xff, 0x22]))).toMatchObject({
      ok: false,
      error: { code: 'malformed-json' },
    });
  });

  it.each([
    ['brackets', '['.repeat(1_000_000), 'too-deep '],
    ['objects', '{"a":'.repeat(10_000), 'too-deep '],
    ['values', `[${'1,'.repeat(500_000)}1]`, 'too-many-values '],
    ['quotes that are never closed', `"${'\\"'.repeat(500_000)}`, 'malformed-json '],
  ])('SEC-39: a flood of %s is refused before anything is built of it', (_, text, expected) => {
    expect(refusal(text)).toBe(expected);
  });
});
