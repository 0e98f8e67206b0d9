import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TYPE } from '#libs/envoy-api';
import { findEnvoy, freePort } from '#libs/launcher';
import { EnvoyRig, fetchText, until } from './testing/envoy-rig.js';
import { cluster, endpointsByCollection, lbEndpoint, listener, routes } from './testing/resources.js';
import type { Resource } from './types.js';

describe.each(['1.36.4', '1.40.0'])('endpoints by collection, a stock Envoy %s', (version) => {
  let rig: EnvoyRig;
  let one = 0;
  let two = 0;
  let inbound = 0;

  beforeAll(async () => {
    const { path } = await findEnvoy({ version });
    rig = await EnvoyRig.start({ binary: path, adminPort: await freePort(), apiType: 'DELTA_GRPC' });
    [one, two] = await Promise.all([rig.application('one'), rig.application('two')]);
    inbound = await freePort();
  });
  afterAll(() => rig?.stop());

  const publish = (...members: readonly Resource[]): void =>
    rig.publish(cluster('a'), endpointsByCollection('a'), ...members, listener('in', inbound), routes('a'));
  const members = (): Promise<number> => rig.stat('cluster.a.membership_total');

  it('TP-2 DELTA-5 an empty collection is no obstacle: the cluster is warm, and fills', async () => {
    publish();
    await until('all is ACKed', () => rig.delivered);
    expect(await rig.stat('cluster_manager.warming_clusters')).toBe(0);
    publish(lbEndpoint('a', one));
    await until('served', async () => (await fetchText(inbound)) === 'one');
  });

  it('TP-2 a member joins and one leaves, each as a resource of its own', async () => {
    publish(lbEndpoint('a', one), lbEndpoint('a', two));
    await until('both are there', async () => (await members()) === 2);
    publish(lbEndpoint('a', two));
    await until('the second alone', async () => (await members()) === 1 && (await fetchText(inbound)) === 'two');
    expect(rig.nacks).toEqual([]);
  });

  it('ENV-10 comes back after a restart of the engine without a word of what it has, and is sent the members once', async () => {
    await rig.restartServer();
    await until('it asked for everything', () => (rig.server.streams()[0]?.types.length ?? 0) === 5 && rig.delivered);
    const collection = rig.server.streams()[0]?.types.find(({ type }) => type === TYPE.lbEndpoint);
    expect([collection?.acked.size, rig.server.counters().responses]).toEqual([1, 1]);
    expect([await members(), await fetchText(inbound)]).toEqual([1, 'two']);
  });
});
