import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findEnvoy, freePort } from '#libs/launcher';
import { EnvoyRig, fetchText, until } from './testing/envoy-rig.js';
import { cluster, endpoints, listener, refusedListener, routes } from './testing/resources.js';

describe.each([
  { version: '1.36.4', apiType: 'DELTA_GRPC' },
  { version: '1.36.4', apiType: 'GRPC' },
  { version: '1.40.0', apiType: 'DELTA_GRPC' },
  { version: '1.40.0', apiType: 'GRPC' },
] as const)('a stock Envoy $version over $apiType', ({ version, apiType }) => {
  let rig: EnvoyRig;
  let one = 0;
  let two = 0;
  let inbound = 0;
  let other = 0;

  beforeAll(async () => {
    const { path } = await findEnvoy({ version });
    rig = await EnvoyRig.start({ binary: path, adminPort: await freePort(), apiType });
    [one, two] = await Promise.all([rig.application('one'), rig.application('two')]);
    [inbound, other] = [await freePort(), await freePort()];
  });

  afterAll(() => rig?.stop());

  it('gets clusters, endpoints, a listener and routes, and serves', async () => {
    rig.publish(cluster('a'), endpoints('a', one), listener('in', inbound), routes('a'));
    await until('served by the first', async () => (await fetchText(inbound)) === 'one');
    await until('all is ACKed', () => rig.delivered);
  });

  it('ORD-2 moves to a new cluster without a failed request, and loses the old one last', async () => {
    rig.publish(cluster('b'), endpoints('b', two), listener('in', inbound), routes('b'));
    const bodies = new Set<string>();
    await until('served by the second', async () => {
      const body = await fetchText(inbound);
      bodies.add(body);
      return body === 'two';
    });
    expect([...bodies].filter((body) => body !== 'one')).toEqual(['two']);
    await until('the old cluster is gone', async () => (await rig.stat('cluster_manager.active_clusters')) === 2);
  });

  it('ORD-5 ENV-4 a changed cluster is warm at once, its endpoints being unchanged', async () => {
    rig.publish(cluster('b', 2000), endpoints('b', two), listener('in', inbound), routes('b'));
    await until('it is warm', async () => (await rig.stat('cluster_manager.cluster_modified')) === 1);
    await until('all is ACKed', () => rig.delivered);
    // Its own time limit for warming without endpoints is 15 s.
    expect([await rig.stat('cluster_manager.warming_clusters'), rig.nacks]).toEqual([0, []]);
  });

  it('REL-23 ENV-1 a listener that it refuses holds nothing back, and is named with its words', async () => {
    const bad = refusedListener('bad', other);
    rig.publish(cluster('b', 2000), endpoints('b', two), listener('in', inbound, 'changed'), bad, routes('b'));
    await until('it was refused', () => rig.nacks.some(({ names, isolated }) => isolated && names.join() === 'bad'));
    expect(rig.nacks.at(-1)?.message).toContain('no.such.filter');
    await until('the good one was taken', async () => (await rig.stat('http.changed.downstream_rq_total')) >= 0);
    rig.publish(cluster('b', 2000), endpoints('b', one), listener('in', inbound, 'changed'), bad, routes('b'));
    await until('a good change after it', async () => (await fetchText(inbound)) === 'one');
  });

  it('ENV-9 REL-23 keeps running what it has over a restart of the engine, while one listener is refused', async () => {
    const removed = await rig.stat('listener_manager.listener_removed');
    await rig.restartServer();
    await until(
      'it is back, and refuses again',
      () => rig.server.streams()[0]?.types.some((t) => t.refused.length > 0) ?? false,
    );
    expect(await fetchText(inbound)).toBe('one');
    expect(await rig.stat('listener_manager.listener_removed')).toBe(removed);
  });

  it('DELTA-8 SOTW-4 loses and changes nothing by a restart of the engine', async () => {
    rig.publish(cluster('b', 2000), endpoints('b', one), listener('in', inbound, 'changed'), routes('b'));
    await until('all is ACKed', () => rig.delivered);
    const names = [
      'listener_manager.listener_removed',
      'listener_manager.listener_modified',
      'cluster_manager.cluster_removed',
    ];
    const before = await Promise.all(names.map((name) => rig.stat(name)));
    await rig.restartServer();
    const asked = 4;
    await until(
      'it asked for everything',
      () => (rig.server.streams()[0]?.types.length ?? 0) === asked && rig.delivered,
    );
    expect(await Promise.all(names.map((name) => rig.stat(name)))).toEqual(before);
    expect(await fetchText(inbound)).toBe('one');
    if (apiType === 'DELTA_GRPC') expect(rig.server.counters().responses).toBe(0);
  });
});
