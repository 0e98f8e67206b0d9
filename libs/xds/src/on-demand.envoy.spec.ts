import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TYPE } from '#libs/envoy-api';
import { findEnvoy, freePort } from '#libs/launcher';
import { EnvoyRig, fetchText, until } from './testing/envoy-rig.js';
import {
  cluster,
  endpoints,
  listener,
  onDemand,
  routesByHeader,
  routesByHost,
  virtualHost,
} from './testing/resources.js';
import type { Resource } from './types.js';

let rig: EnvoyRig;
let one = 0;
let two = 0;
let inbound = 0;

async function start(version: string): Promise<void> {
  const { path } = await findEnvoy({ version });
  rig = await EnvoyRig.start({ binary: path, adminPort: await freePort(), apiType: 'DELTA_GRPC' });
  [one, two] = await Promise.all([rig.application('one'), rig.application('two')]);
  inbound = await freePort();
}

const rare = (name: string) => ({ ...cluster(name), onDemand: true });
const subscribed = (type: string) => rig.server.streams()[0]?.types.find((t) => t.type === type)?.subscribed ?? [];
const listens = async (): Promise<boolean> =>
  (await rig.stat('listener_manager.listener_create_success')) > 0 && rig.delivered;

describe.each(['1.36.4', '1.40.0'])('clusters on demand, a stock Envoy %s', (version) => {
  beforeAll(() => start(version));
  afterAll(() => rig?.stop());

  const to = (name: string): Promise<string> => fetchText(inbound, '/', { to: name });

  it('OND-5 BUG-25 gets the first and the second cluster when requests for them come, and none before', async () => {
    const found = [rare('a'), endpoints('a', one), rare('b'), endpoints('b', two)];
    rig.publish(...found, listener('in', inbound, 'in', onDemand()), routesByHeader());
    await until('it listens', listens);
    expect(await rig.stat('cluster_manager.active_clusters')).toBe(1);
    expect([await to('a'), await to('b'), await to('a')]).toEqual(['one', 'two', 'one']);
    expect([await rig.stat('cluster_manager.active_clusters'), rig.nacks]).toEqual([3, []]);
  });

  it('OND-5 is told at once of one that does not exist: no request waits for its 5 s', async () => {
    expect(await to('nowhere')).toBe('');
    expect(await rig.stat('http.in.downstream_rq_5xx')).toBe(1);
    expect(await rig.stat('http.in.downstream_rq_active')).toBe(0);
  });

  it('OND-5 follows a change of one, and loses it when it is removed', async () => {
    rig.publish(rare('b'), endpoints('b', one), listener('in', inbound, 'in', onDemand()), routesByHeader());
    await until('it moved', async () => (await to('b')) === 'one');
    await until('the other one is gone', async () => (await rig.stat('cluster_manager.active_clusters')) === 2);
  });
});

describe('virtual hosts on demand, a stock Envoy 1.40.0', () => {
  const shop = (name: string) => virtualHost('its-host', ['shop', 'shop.mesh'], name);
  const all = (mark: number, ...hosts: readonly Resource[]) =>
    rig.publish(
      ...[cluster('a'), endpoints('a', one), cluster('b'), endpoints('b', two)],
      ...[listener('in', inbound, 'in', onDemand()), routesByHost(mark), ...hosts],
    );
  const host = (name: string): Promise<string> => fetchText(inbound, '/', { host: name });

  beforeAll(() => start('1.40.0'));
  afterAll(() => rig?.stop());

  it('OND-1 OND-4 DELTA-14 asks for a host by its authority, and is served under every alias', async () => {
    all(0, shop('a'), virtualHost('other', ['other'], 'b'));
    await until('it listens', listens);
    expect(subscribed(TYPE.virtualHost)).toEqual([]);
    expect([await host('shop.mesh'), await host('shop'), await host('other')]).toEqual(['one', 'one', 'two']);
    expect(rig.nacks).toEqual([]);
  });

  it('OND-2 a host that does not exist is answered, so the request ends, and it is served once it exists', async () => {
    expect(await host('nobody')).toBe('');
    expect(await rig.stat('http.in.downstream_rq_active')).toBe(0);
    all(0, shop('a'), virtualHost('late', ['nobody'], 'b'));
    await until('it is there', async () => (await host('nobody')) === 'two');
  });

  it('OND-3 follows a change of the host, and keeps it over an update of the routes', async () => {
    all(0, shop('b'));
    await until('it moved', async () => (await host('shop')) === 'two');
    const asked = await rig.stat('http.in.rds.routes.vhds.routes.update_success');
    all(1, shop('b'));
    await until('the routes were updated', () => rig.delivered);
    expect([await host('shop'), await host('shop.mesh')]).toEqual(['two', 'two']);
    expect(await rig.stat('http.in.rds.routes.vhds.routes.update_success')).toBe(asked);
  });

  it('DELTA-8 comes back after a restart of the engine, and its hosts serve as before', async () => {
    await rig.restartServer();
    await until(
      'it asked for its hosts',
      () => subscribed(TYPE.virtualHost).includes('routes/shop.mesh') && rig.delivered,
    );
    expect(await host('shop')).toBe('two');
    const host2 = rig.server.streams()[0]?.types.find((t) => t.type === TYPE.virtualHost);
    expect([...(host2?.acked.keys() ?? [])]).toEqual(['routes/its-host']);
  });
});
