import { describe, expect, it } from 'vitest';
import { MAX_SAMPLE_REQUESTS, parseRequestFile } from './request-file.js';

const requests = (source: string) => {
  const read = parseRequestFile(source);
  if (!read.ok) throw new Error(read.error.map(({ message }) => message).join('\n'));
  return read.value;
};
const problems = (source: string) => {
  const read = parseRequestFile(source);
  return read.ok ? [] : read.error.map(({ message }) => message);
};

describe('a file of sample requests', () => {
  const YAML = `# the shop
- host: orders
- method: POST
  host: orders.shop:8080
  path: /v1/orders?x=1
  scheme: https
  headers:
    X-Canary: "yes"
    accept: [text/html, " a/b "]
`;

  it('is a YAML list, with defaults and lines', () => {
    expect(requests(YAML)).toEqual([
      { line: 2, request: { method: 'GET', scheme: undefined, authority: 'orders', path: '/', headers: [] } },
      {
        line: 3,
        request: {
          method: 'POST',
          scheme: 'https',
          authority: 'orders.shop:8080',
          path: '/v1/orders?x=1',
          headers: [
            { name: 'x-canary', value: 'yes' },
            { name: 'accept', value: 'text/html' },
            { name: 'accept', value: 'a/b' },
          ],
        },
      },
    ]);
  });

  it('is one YAML document per request', () => {
    expect(requests('host: a\n---\nhost: b\n').map(({ line, request }) => [line, request.authority])).toEqual([
      [1, 'a'],
      [3, 'b'],
    ]);
  });

  it('is JSON Lines, empty lines left out', () => {
    const read = requests('{"host":"a"}\n\n{"host":"b","path":"/x"}\n');
    expect(read.map(({ line, request }) => [line, request.authority, request.path])).toEqual([
      [1, 'a', '/'],
      [3, 'b', '/x'],
    ]);
  });

  it('is a single JSON object or list over several lines', () => {
    expect(requests('[\n {"host":"a"},\n {"host":"b"}\n]').map(({ line }) => line)).toEqual([2, 3]);
  });

  it.each([
    [
      'a field that is not known',
      '- host: a\n- host: b\n  pth: /x\n',
      ['line 3: pth is not a field here; did you mean "path"?'],
    ],
    ['a required field', '- path: /x\n', ['line 1: host is required']],
    [
      'a path',
      '- host: a\n  path: x\n',
      ['line 2: path must begin with "/" and be printable ASCII without blanks and "#"'],
    ],
    [
      'a fragment',
      '- host: a\n  path: /x#y\n',
      ['line 2: path must begin with "/" and be printable ASCII without blanks and "#"'],
    ],
    [
      'CONNECT',
      '- host: a\n  method: CONNECT\n',
      ['line 2: method must be a method in capitals other than CONNECT, which has no path'],
    ],
    [
      'a host',
      '- host: "a b"\n',
      ['line 1: host must be a host, with ":" and the port if clients write one (orders.shop:8080)'],
    ],
    [
      'a header that is the host',
      '- host: a\n  headers:\n    Host: b\n',
      ['line 3: headers.Host must be the name of a header; the host has a field of its own'],
    ],
    ['a line of JSON', '{"host":"a"}\n{"host":\n', ['line 2: request must be one JSON object on one line']],
    ['a file without requests', '\n', ['line 1: the file has no request']],
    [
      'every problem',
      '{"path":"/x"}\n{"host":"a","method":"get"}\n',
      ['line 1: host is required', 'line 2: method must be a method in capitals other than CONNECT, which has no path'],
    ],
  ])('is refused by line and field for %s', (_, source, expected) => {
    expect(problems(source)).toEqual(expected);
  });

  it('is refused when a field stands twice', () => {
    expect(problems('{"host":"a","path":"/\\"x\\":","host":"b"}')).toEqual([
      'line 1: request must not have a field twice',
    ]);
    expect(problems('- host: a\n  host: b\n')).toEqual([expect.stringMatching(/line 2.*unique/)]);
  });

  it('may have at most 10,000 requests', () => {
    const source = '{"host":"a"}\n'.repeat(MAX_SAMPLE_REQUESTS + 1);
    expect(problems(source)).toEqual(['line 1: the file has 10001 requests; a file may have 10000']);
  });
});
