import { once } from 'node:events';
import { connect } from 'node:http2';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { cluster, endpoints, Rig, TYPE } from '../rig.js';

let rig: Rig;
beforeEach(async () => {
  rig = await Rig.start({ limits: { openBurst: 10_000 } });
  rig.publish(cluster('a'), endpoints('a'));
});
afterEach(() => rig.stop());

const ADS = '/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources';

describe('streams in other control planes', () => {
  it('BUG-28 left their watches behind when they ended; here nothing follows a view any more, however they end', async () => {
    for (let round = 0; round < 20; round++) {
      const clients = Array.from({ length: 10 }, (_, i) => rig.client({ node: { id: `alice/${i}` }, token: `t${i}` }));
      for (const client of clients) client.subscribe(TYPE.cluster).subscribe(TYPE.endpoint, ['a']);
      for (const client of clients) await client.waitFor((c) => c.names(TYPE.endpoint).length === 1);
      for (const [i, client] of clients.entries()) {
        if (i % 2 === 0) client.disconnect();
        else client.stream.halfClose();
      }
      await expect.poll(() => rig.server.streams().length, { timeout: 20_000 }).toBe(0);
    }
    expect([rig.opened.length, rig.closed.length, rig.metrics.counts.get('xds_streams')]).toEqual([200, 200, 0]);
    const before = rig.server.counters();
    rig.update(cluster('a', 1), endpoints('a', 81));
    // Nobody is woken, so nothing is encoded or written.
    expect(rig.server.counters()).toEqual(before);
  });

  it('BUG-30 were cut because clients asked for signs of life too often; here a thousand of them are answered', async () => {
    const session = connect(`http://127.0.0.1:${rig.port}`);
    const request = session.request({
      ':method': 'POST',
      ':path': ADS,
      'content-type': 'application/grpc',
      te: 'trailers',
      authorization: 'Bearer alice',
    });
    const ends: string[] = [];
    request.on('error', (error) => ends.push(String(error)));
    session.on('error', (error) => ends.push(String(error)));
    await once(session, 'connect');
    session.on('goaway', (code) => ends.push(`goaway ${code}`));
    session.on('close', () => ends.push('closed'));
    request.on('close', () => ends.push('stream closed'));
    const pinged = () =>
      new Promise<void>((resolve, reject) => session.ping((error) => (error ? reject(error) : resolve())));
    for (let i = 0; i < 1_000; i++) await pinged();
    await sleep(50);
    expect(ends).toEqual([]);
    request.destroy();
    session.destroy();
  });
});
