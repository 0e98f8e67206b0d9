import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MalformedMessage } from '#libs/envoy-api';
import { reportMessage } from '../testing/messages.js';
import { decodeEdgeReport } from './edge-report.js';

const DATA = `${import.meta.dirname}/testdata`;
const captured = (file: string): Buffer => Buffer.from(readFileSync(`${DATA}/${file}`, 'utf8'), 'base64');

describe('a report', () => {
  it.each(readdirSync(DATA))('of a stock Envoy says how many there were, and how long they took: %s', (file) => {
    const back = decodeEdgeReport(captured(file)).clusters.get('shop/back/8080');
    expect(back?.byClass).toEqual([40, 0, 0, 0]);
    expect(back?.times.reduce((sum, { count }) => sum + count, 0)).toBe(40);
    expect(back?.times[0]).toMatchObject({ from: 0, upTo: 1 });
  });

  it('says what callers were refused, and passes over what is not of the mesh', () => {
    const families = {
      'cluster.shop/back/8080/green.upstream_rq_4xx': 2,
      'cluster.shop/back/8080.upstream_rq_retry': 3,
      'cluster.shop/back/8080.upstream_rq_5xx': Number.NaN,
      'cluster.inbound/http.upstream_rq_2xx': 7,
      'cluster.heddle_xds.upstream_rq_2xx': 7,
      'listener.10.0.0.1_8080.ssl.fail_verify_error': 1,
      'listener.[fd00__1]_8080.ssl.fail_verify_no_cert': 2,
      'listener.10.0.0.1_8080.ssl.handshake': 9,
    };
    const { clusters, refusedCallers } = decodeEdgeReport(reportMessage({ families }));
    expect([...clusters]).toEqual([
      ['shop/back/8080/green', { byClass: [0, 0, 2, 0], retries: 0, times: [] }],
      ['shop/back/8080', { byClass: [0, 0, 0, 0], retries: 3, times: [] }],
    ]);
    expect(refusedCallers).toBe(3);
  });

  it('SEC-7 is one, whatever the bytes are, or a MalformedMessage', () => {
    const good = captured('report-1.40.0.base64');
    const damage = fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 });
    const damaged = damage.map((changes) => {
      const bytes = Buffer.from(good);
      for (const [at, byte] of changes) bytes[at] = byte;
      return bytes;
    });
    const any = fc.oneof(
      damaged,
      fc.uint8Array({ maxLength: 80 }).map((bytes) => Buffer.from(bytes)),
    );
    fc.assert(
      fc.property(any, (bytes) => {
        try {
          for (const { byClass, times } of decodeEdgeReport(bytes).clusters.values()) {
            for (const count of [...byClass, ...times.map((bin) => bin.count)]) {
              expect(count >= 0 && count <= 1e7).toBe(true);
            }
          }
        } catch (error) {
          expect(error).toBeInstanceOf(MalformedMessage);
        }
      }),
      { numRuns: 1_000 },
    );
  });
});
