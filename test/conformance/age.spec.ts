import { afterEach, describe, expect, it } from 'vitest';
import { cluster, endpoints, GRPC, listener, quiet, Rig, TYPE } from './rig.js';

let rig: Rig;
afterEach(() => rig.stop());

describe('streams that live long', () => {
  it('NET-2 end with OK, and the connection takes no new one', async () => {
    rig = await Rig.start({ limits: { streamAgeMs: 1_000, checkMs: 50 } });
    const client = rig.client().subscribe(TYPE.cluster);
    await client.waitFor((c) => c.responses.length === 1);
    await client.waitFor((c) => c.ended !== undefined);
    expect(client.ended?.code).toBe(GRPC.OK);
  });

  it('ORD-11 are cut when they came back with listeners and never ask for clusters', async () => {
    rig = await Rig.start({ limits: { missingClustersMs: 300, checkMs: 50 } });
    rig.publish(cluster('a'), listener('l'));
    const client = rig.client().subscribe(TYPE.cluster).subscribe(TYPE.listener);
    await client.waitFor((c) => c.names(TYPE.listener).length === 1);
    client.reconnect([TYPE.listener]);
    await client.waitFor((c) => c.ended !== undefined);
    expect(client.ended?.code).toBe(GRPC.UNAVAILABLE);
    expect(rig.metrics.counts.get('xds_missing_cds_total')).toBe(1);
  });

  it('ORD-11 are left alone when they never held anything, or ask for endpoints alone on a service of their own', async () => {
    rig = await Rig.start({ limits: { missingClustersMs: 100, checkMs: 20 } });
    rig.publish(listener('l'), endpoints('e'));
    const fresh = rig.client().subscribe(TYPE.listener);
    const single = rig.client({ service: 'eds' }).subscribe(TYPE.endpoint, ['e']);
    await single.waitFor((c) => c.names(TYPE.endpoint).length === 1);
    single.reconnect();
    await quiet(1_000);
    expect([fresh.ended, single.ended]).toEqual([undefined, undefined]);
  });

  it('raise an alarm, once, while their view is not published', async () => {
    rig = await Rig.start({
      limits: { heldAlarmMs: 100, checkMs: 20 },
      gatekeeper: { admit: () => Promise.resolve('none') },
    });
    const client = rig.client().subscribe(TYPE.cluster);
    await expect.poll(() => rig.metrics.counts.get('xds_views_missing_total'), { timeout: 60_000 }).toBe(1);
    await quiet(500);
    expect([rig.metrics.counts.get('xds_views_missing_total'), client.responses]).toEqual([1, []]);
  });
});
