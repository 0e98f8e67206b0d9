import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { landing, pageOf } from './landing.js';

describe('the page to come back to', () => {
  it.each([
    ['/m/default/', '/m/default/'],
    ['/m/default/services?q=pay&zone=a#top', '/m/default/services?q=pay&zone=a#top'],
    ['/', '/'],
    ['/login', '/'],
    ['/api/v1/meshes', '/'],
    ['https://evil.example/m/x', '/'],
    ['//evil.example/m/x', '/'],
    ['/\\evil.example/m/x', '/'],
    ['/\t/evil.example/m/x', '/'],
    ['/m/../../evil', '/'],
    ['/m/..//evil.example', '/'],
    ['/m/%2e%2e//evil.example', '/'],
    ['javascript:alert(1)', '/'],
    ['/m/\r\nSet-Cookie: a=b', '/m/Set-Cookie:%20a=b'],
    [`/m/${'x'.repeat(2_000)}`, '/'],
    [`/m/${'ü'.repeat(1_000)}`, '/'],
    [undefined, '/'],
    [['/m/a', '/m/b'], '/'],
  ])('SEC-43 of %j is %j', (wanted, page) => {
    expect(pageOf(wanted)).toBe(page);
  });

  it('SEC-43 is one of this server, whatever was asked for', () => {
    const near = fc.array(fc.constantFrom('/', '\\', '.', 'm', '%2f', '%2e', '@', ':', '?', '#', '\t', 'evil.example'));
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          near.map((parts) => `/m/${parts.join('')}`),
          near.map((p) => p.join('')),
        ),
        (text) => {
          const page = pageOf(text);
          expect(new URL(page, 'https://heddle.example').origin).toBe('https://heddle.example');
          expect(page === '/' || page.startsWith('/m/')).toBe(true);
          expect(pageOf(page)).toBe(page);
        },
      ),
    );
  });

  it('SEC-47 cannot break out of the page that leads there', () => {
    const html = landing(pageOf(`/m/"><script>'&alert(1)`));
    expect(html).not.toMatch(/<script|"">|'&a/);
    expect(html).toContain('0;url=/m/%22%3E%3Cscript%3E&#39;&amp;alert(1)');
  });
});
