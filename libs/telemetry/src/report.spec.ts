import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MalformedMessage } from '#libs/envoy-api';
import { decodeReport } from './report.js';
import { countedAs } from './stat-names.js';
import { reportMessage } from './testing/messages.js';

describe('a report', () => {
  it('gives the node and the counters of clusters and HTTP servers, and passes over everything else', () => {
    const families = {
      'cluster.shop/back/8080.upstream_rq_completed': 7,
      'cluster.shop/back/8080.upstream_rq_active': 'gauge',
      'cluster.shop/back/8080.upstream_rq_time': 'histogram',
      'server.uptime': 'gauge',
      'listener_manager.listener_added': 3,
      'http.outbound.no_route': 0,
    } as const;
    expect(decodeReport(reportMessage({ node: 'm/n/w/i', families }))).toEqual({
      node: 'm/n/w/i',
      counters: [
        { name: 'cluster.shop/back/8080.upstream_rq_completed', value: 7 },
        { name: 'http.outbound.no_route', value: 0 },
      ],
    });
    expect(decodeReport(Buffer.alloc(0))).toEqual({ node: undefined, counters: [] });
  });

  it('passes over names that nobody here gave, unread', () => {
    const families = { [`cluster.${'x'.repeat(500)}.upstream_rq_5xx`]: 1 };
    expect(decodeReport(reportMessage({ families })).counters).toEqual([]);
  });

  it('SEC-7 any bytes are a report or a MalformedMessage, nothing else', () => {
    const good = reportMessage({ node: 'a', families: { 'cluster.a/b/1.upstream_rq_5xx': 3, 'http.outbound.x': 1 } });
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
          decodeReport(bytes);
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

describe('a counter', () => {
  it.each([
    ['cluster.shop/back/8080.upstream_rq_completed', 'cluster shop/back/8080', 'requests'],
    ['cluster.shop/back/8080/green.upstream_rq_5xx', 'cluster shop/back/8080/green', 'failures'],
    ['cluster.inbound/http.upstream_rq_5xx', 'cluster inbound/http', 'failures'],
    ['http.outbound.downstream_rq_completed', 'outbound', 'requests'],
    ['http.outbound_shop_back_8080.downstream_rq_5xx', 'outbound', 'failures'],
    ['http.outbound.no_route', 'outbound', 'failures'],
    ['http.inbound_http.downstream_rq_completed', 'inbound http', 'requests'],
    ['http.inbound_http-2_plain.downstream_rq_5xx', 'inbound http-2 plaintext', 'failures'],
    ['tcp.inbound_bytes_plain.downstream_cx_total', 'inbound bytes plaintext', 'requests'],
  ])('%s is counted', (name, scope, what) => {
    expect(countedAs(name)).toEqual({ scope, what });
  });

  it.each([
    // Attempts that were retried, and the same answers once more by origin.
    'cluster.shop/back/8080.retry.upstream_rq_5xx',
    'cluster.shop/back/8080.external.upstream_rq_completed',
    // The control plane, seen from its clients.
    'cluster.heddle_xds.upstream_rq_5xx',
    'cluster.shop/back/8080.upstream_rq_503',
    'cluster.shop/back.x/8080.upstream_rq_5xx',
    'cluster.__proto__.upstream_rq_5xx',
    'cluster.shop/ba\nck/8080.upstream_rq_5xx',
    'http.admin.downstream_rq_5xx',
    'http.async-client.no_route',
    'http.inbound.downstream_rq_5xx',
    'http.outbound.downstream_rq_total',
    'http.outbound.rds.no_route',
  ])('SEC-10 %j is not', (name) => {
    expect(countedAs(name)).toBeUndefined();
  });
});
