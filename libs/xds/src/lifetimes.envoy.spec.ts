import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findEnvoy, freePort } from '#libs/launcher';
import { EnvoyRig, fetchText, until } from './testing/envoy-rig.js';
import { cluster, endpoints, listener, routes } from './testing/resources.js';
import type { Resource } from './types.js';

const TTL_MS = 3_000;
const mortal = (resource: Resource): Resource => ({ ...resource, ttlMs: TTL_MS });

// Envoy announces neither feature by itself; who wants times to live names them in its bootstrap.
const clientFeatures = ['xds.config.supports-resource-ttl', 'xds.config.supports-resource-in-sotw'];

describe.each([
  { version: '1.36.4', apiType: 'DELTA_GRPC' },
  { version: '1.36.4', apiType: 'GRPC' },
  { version: '1.40.0', apiType: 'DELTA_GRPC' },
  { version: '1.40.0', apiType: 'GRPC' },
] as const)('times to live, a stock Envoy $version over $apiType', ({ version, apiType }) => {
  let rig: EnvoyRig;
  let one = 0;
  let inbound = 0;

  beforeAll(async () => {
    const { path } = await findEnvoy({ version });
    rig = await EnvoyRig.start({ binary: path, adminPort: await freePort(), apiType, clientFeatures });
    one = await rig.application('one');
    inbound = await freePort();
  });
  afterAll(() => rig?.stop());

  it('TTL-1 TTL-2 TTL-3 keeps what has a time as long as it hears of it, changes nothing, and refuses nothing', async () => {
    rig.publish(...[cluster('a'), endpoints('a', one), listener('in', inbound), routes('a')].map(mortal));
    await until('served', async () => (await fetchText(inbound)) === 'one');
    const sent = rig.server.counters().responses;
    const end = Date.now() + 2 * TTL_MS;
    while (Date.now() < end) {
      expect(await fetchText(inbound)).toBe('one');
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    expect(rig.server.counters().responses).toBeGreaterThan(sent + 8);
    const changes = ['cluster_manager.cluster_modified', 'cluster_manager.cluster_removed'];
    changes.push('listener_manager.listener_modified', 'listener_manager.listener_removed');
    expect([await Promise.all(changes.map((name) => rig.stat(name))), rig.nacks]).toEqual([[0, 0, 0, 0], []]);
  });

  it('TTL-2 without its time it stays, and there are no more signs of life', async () => {
    rig.publish(cluster('a'), endpoints('a', one), listener('in', inbound), routes('a'));
    await until('all is ACKed', () => rig.delivered);
    const { responses } = rig.server.counters();
    await new Promise((resolve) => setTimeout(resolve, 1.5 * TTL_MS));
    expect(rig.server.counters().responses).toBe(responses);
    expect(await fetchText(inbound)).toBe('one');
  });
});
