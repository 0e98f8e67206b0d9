import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseDocuments } from './index.js';

describe('reading documents', () => {
  it('reads several documents, leaves out empty ones, and says where each begins', () => {
    const documents = parseDocuments(
      '# comment\n---\nkind: A\n---\n---\nkind: B\nspec:\n  list:\n    - x: 1\n    - y: 2\n',
    );
    expect(documents.map(({ result }) => result)).toEqual([
      { ok: true, value: { kind: 'A' } },
      { ok: true, value: { kind: 'B', spec: { list: [{ x: 1 }, { y: 2 }] } } },
    ]);
    expect(documents.map(({ line }) => line)).toEqual([3, 6]);
    expect(documents[1]?.lineAt('/spec/list/1/y')).toBe(10);
    expect(documents[1]?.lineAt('/spec/missing')).toBe(7);
  });

  it('reads JSON', () => {
    expect(parseDocuments('{"a": [1, true, null, "x"]}')[0]?.result).toEqual({
      ok: true,
      value: { a: [1, true, null, 'x'] },
    });
  });

  it.each([
    ['SEC-37 duplicate keys in YAML', 'a: 1\na: 2\n', 'duplicate-key'],
    ['SEC-37 duplicate keys in JSON', '{"a": 1, "a": 2}', 'duplicate-key'],
    ['a syntax error', 'a: [1\nb: 2', 'syntax'],
    ['an alias without anchor', 'a: *nothing', 'syntax'],
    ['deep nesting', '['.repeat(100_000), 'too-deep'],
    ['deep sequences', `${'- '.repeat(5000)}a`, 'too-deep'],
  ])('refuses %s', (_, text, code) => {
    const [document] = parseDocuments(text);
    expect(document?.result.ok).toBe(false);
    if (document && !document.result.ok) expect(document.result.error[0]?.code).toBe(code);
  });

  it('refuses an alias bomb', () => {
    const levels = Array.from(
      { length: 12 },
      (_, level) => `l${level + 1}: &l${level + 1} [${`*l${level}, `.repeat(9)}*l${level}]`,
    );
    expect(parseDocuments(`l0: &l0 [x]\n${levels.join('\n')}\n`)[0]?.result.ok).toBe(false);
  });

  it('does not let one unreadable document hide the next', () => {
    const results = parseDocuments('a: 1\na: 2\n---\nb: 1\n').map(({ result }) => result.ok);
    expect(results).toEqual([false, true]);
  });

  it('keeps dates and odd scalars as text or numbers', () => {
    expect(parseDocuments('a: 2026-01-01\nb: yes\nc: 0x10\n')[0]?.result).toEqual({
      ok: true,
      value: { a: '2026-01-01', b: 'yes', c: 16 },
    });
  });

  it('never throws', () => {
    const piece = fc.constantFrom(
      'a: ',
      '- ',
      '\n',
      '  ',
      '&x ',
      '*x',
      '{',
      '}',
      '[',
      ']',
      ',',
      '"',
      '|',
      '---\n',
      '? ',
      ': ',
      '!!str ',
      '\t',
      '#',
      '%',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
        for (const document of parseDocuments(pieces.join(''))) document.lineAt('/a/0/b');
      }),
      { numRuns: 300 },
    );
  });
});
