import { readdirSync, readFileSync } from 'node:fs';
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MalformedMessage } from '#libs/envoy-api';
import { decodeEntries } from './entry.js';
import type { LogEntry } from './log-entry.js';
import { outcomeOf } from './outcome-of.js';

const DATA = `${import.meta.dirname}/testdata`;

interface Captured {
  readonly case: string;
  readonly log: string;
  /** As it came from Envoy, base64, without the identifier of the sidecar. */
  readonly message: string;
}

const captured = (file: string): Captured[] =>
  readFileSync(`${DATA}/${file}`, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Captured);

/** What each log says of it: request, its attempts, and what was served. */
const CASES: Readonly<Record<string, readonly string[]>> = {
  'status 500': ['attempt error 500', 'request error 500', 'served error 500'],
  'status 429': ['attempt throttled 429', 'request throttled 429', 'served throttled 429'],
  'status 403': ['attempt ok 403', 'request ok 403', 'served ok 403'],
  reset: ['attempt error 503', 'request error 503', 'served reset 503'],
  halfway: ['attempt reset 200', 'request reset 200', 'served reset 200'],
  'slow (route timeout)': ['attempt other 0', 'request timeout 504', 'served client_gone 0'],
  'slowtry (per try)': [
    ...['attempt timeout 0', 'attempt timeout 0', 'attempt timeout 0', 'request timeout 504'],
    ...['served client_gone 0', 'served client_gone 0', 'served client_gone 0'],
  ],
  flaky: ['attempt error 503', 'attempt ok 200', 'served error 503'],
  'client gone2': ['attempt other 0', 'request client_gone 0', 'served client_gone 0'],
  'no route': ['request no_route 404'],
  'route to nothing': ['request no_route 500'],
  denied: ['attempt ok 403', 'request ok 403', 'served denied 403'],
  empty: ['request no_instance 503'],
  noapp: ['attempt error 503', 'request error 503', 'served refused 503'],
  dns: ['request no_instance 503'],
  'tls to plain': ['attempt tls 0', 'attempt tls 0', 'attempt tls 0', 'request tls 503'],
  'gone (killed sidecar)': ['attempt refused 0', 'attempt refused 0', 'attempt refused 0', 'request refused 503'],
};

describe.each(readdirSync(DATA))('%s', (file) => {
  it.each(Object.entries(CASES))('%s', (name, expected) => {
    const said = captured(file)
      .filter((one) => one.case === name)
      .flatMap(({ log, message }) =>
        decodeEntries(Buffer.from(message, 'base64')).map(
          (entry) => `${log.split(';')[0]} ${outcomeOf(entry)} ${entry.status}`,
        ),
      );
    expect(said.toSorted()).toEqual([...expected].toSorted());
  });

  it('says who, where and when, and nothing of what is in the query', () => {
    const [first] = captured(file)
      .filter((one) => one.case === 'flaky' && one.log.startsWith('attempt'))
      .flatMap(({ message }) => decodeEntries(Buffer.from(message, 'base64')));
    expect(first).toMatchObject({
      ...{ method: 'GET', host: 'back', path: '/flaky', status: 503, attempt: 1 },
      ...{ cluster: 'shop/back/8080', route: 'HTTPRoute/shop/back/3', upstream: '127.0.43.1:8080' },
      requestId: expect.stringMatching(/^[0-9a-f-]{36}$/),
    });
    expect(first?.startedAt).toBeGreaterThan(1.7e12);
    expect(first?.durationMs).toBeGreaterThan(0);
  });
});

/** A message with one entry: of the request its path, id and host, of the common part cluster, route and duration. */
function message({ path = '/', id = 'a-1', cluster = 'shop/back/8080', extra = 0, seconds = 1 }): Buffer {
  const writer = new BinaryWriter();
  const nested = (field: number, write: () => void): void => {
    writer.tag(field, WireType.LengthDelimited).fork();
    write();
    writer.join();
  };
  nested(2, () =>
    nested(1, () => {
      nested(1, () => {
        writer.tag(15, WireType.LengthDelimited).string(cluster);
        nested(23, () => writer.tag(1, WireType.Varint).int64(seconds));
      });
      nested(3, () => {
        writer.tag(5, WireType.LengthDelimited).string(path);
        writer.tag(9, WireType.LengthDelimited).string(id);
        writer.tag(6, WireType.LengthDelimited).string('agent'.repeat(extra));
      });
    }),
  );
  return Buffer.from(writer.finish());
}

const only = (bytes: Buffer): LogEntry | undefined => decodeEntries(bytes)[0];

describe('what a sidecar could send', () => {
  it('SEC-10 control characters, markup and long texts stay what they are: short text without control characters', () => {
    expect(only(message({ path: '/a\u0000b\r\n\u001b[31m<script>' }))?.path).toBe(
      '/a\ufffdb\ufffd\ufffd\ufffd[31m<script>',
    );
    expect(only(message({ path: `/${'x'.repeat(1 << 20)}` }))?.path).toHaveLength(512);
    expect(only(message({ path: '/a?token=secret' }))?.path).toBe('/a');
    expect(only(message({ extra: 200_000 }))).toMatchObject({ path: '/', requestId: 'a-1' });
  });

  it.each(['a b', "a'; DROP", 'x'.repeat(65), '<b>', 'a\u0000'])('SEC-10 a request id %j is none', (id) => {
    expect(only(message({ id }))?.requestId).toBe('');
  });

  it.each(['../../x', 'a/b/c/d/e', 'shop/<b>/8080', 'Shop/back/8080', ''])('SEC-10 a cluster %j is none', (cluster) => {
    expect(only(message({ cluster }))?.cluster).toBe('');
  });

  it('a time that cannot be is none', () => {
    expect(only(message({ seconds: -1 }))?.durationMs).toBe(0);
  });

  it('SEC-7 any bytes are entries or a MalformedMessage, nothing else', () => {
    const good = Buffer.from(captured('envoy-1.40.0.jsonl')[0]?.message ?? '', 'base64');
    const damage = fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 });
    const damaged = damage.map((changes) => {
      const bytes = Buffer.from(good);
      for (const [at, byte] of changes) bytes[at] = byte;
      return bytes;
    });
    const any = fc.oneof(
      damaged,
      fc.uint8Array({ maxLength: 80 }).map((bytes) => Buffer.from(bytes)),
      fc.nat(good.length - 1).map((length) => good.subarray(0, length)),
    );
    let malformed = 0;
    fc.assert(
      fc.property(any, (bytes) => {
        try {
          for (const entry of decodeEntries(bytes)) outcomeOf(entry);
        } catch (error) {
          expect(error).toBeInstanceOf(MalformedMessage);
          malformed++;
        }
      }),
      { numRuns: 3_000 },
    );
    expect(malformed).toBeGreaterThan(500);
  });
});
