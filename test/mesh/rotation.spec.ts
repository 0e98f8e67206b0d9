import 'reflect-metadata';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createMeshIdentity, loadOrCreateKek, type MeshIdentity } from '#libs/identity';
import { silentLog, silentMetrics, systemClock } from '#libs/kernel';
import { openStore, type Store } from '#libs/store';
import { OUTBOUND_HTTP_PORT } from '../../apps/demo/src/topology.js';
import { createTestDatabase, type TestDatabase } from '../../libs/testing/src/postgres/index.js';
import { until } from '../../libs/xds/testing/index.js';
import { Load } from './load.js';
import { HTTP_PORT, type Member, Mesh, sendRaw, untilStatus } from './mesh.js';

const service = (name: string): string => `
apiVersion: heddle.dev/v1alpha1
kind: Service
metadata: { name: ${name}, namespace: shop }
spec:
  ports: [{ name: http, port: ${HTTP_PORT}, protocol: http }]
---`;

/** Leaves live for a minute at least, and are renewed when two thirds of it are over. */
const POLL = { timeout: 300_000, interval: 500 };

/**
 * A control plane as a process, an Envoy 1.36.4 and an Envoy 1.40.0 that call each other all the time. A second replica
 * rotates the authorities: here, over the same database.
 */
describe('certificates and authorities change under load', () => {
  let database: TestDatabase;
  let mesh: Mesh;
  let store: Store;
  let replica: MeshIdentity;
  let members: readonly Member[] = [];
  let loads: readonly Load[] = [];
  let drained: readonly (readonly number[])[] = [];
  /** Serial numbers of the leaves that each sidecar was seen with. */
  let leaves: readonly Set<string>[] = [];
  let stopLooking = (): void => {};

  beforeAll(async () => {
    database = await createTestDatabase();
    const settings = { HEDDLE_DATABASE_URL: database.url, HEDDLE_IDENTITY_LEAF_LIFETIME_SECONDS: '60' };
    mesh = await Mesh.start(settings);
    await mesh.apply(service('front') + service('back'));
    const [front, back] = await Promise.all([mesh.join('front', 21, { version: '1.36.4' }), mesh.join('back', 22)]);
    members = [front, back];
    // The older one has a listener for each service instead of the shared port.
    const address = async () => (await front.sidecar.listenerAddress('outbound/shop/back/8080')) ?? '';
    await until('the older one listens', async () => (await address()) !== '');
    const [host = '', port] = (await address()).split(':');
    await untilStatus(200, () => sendRaw(back, { path: '/', host: 'front' }));
    const there = new Load({ host, port: Number(port), authority: 'back' }, 2);
    await until('it reaches the other', () => there.answers.length > 0);
    await there.stop();
    loads = [
      new Load({ host, port: Number(port), authority: 'back' }, 2),
      new Load({ host: back.sidecar.plan.outbound, port: OUTBOUND_HTTP_PORT, authority: 'front' }, 2),
    ];
    drained = await drains();
    leaves = members.map(() => new Set<string>());
    stopLooking = systemClock.every(500, () => void look().catch(() => {}));
    store = await openStore({ url: database.url, replica: 'second' });
    replica = createMeshIdentity({
      ...{ authorities: store.authorities, tokens: store.tokens, clock: systemClock, dataDirectory: mesh.dir },
      ...{ kek: await loadOrCreateKek(join(mesh.dir, 'data', 'key')), log: silentLog, metrics: silentMetrics },
    });
  });

  afterAll(async () => {
    stopLooking();
    await Promise.all(loads.map((load) => load.stop()));
    await replica?.stop();
    await store?.close();
    await mesh?.stop();
    await database?.drop();
  });

  const STATS = '^listener_manager\\.(listener_(modified|removed|in_place_updated)|total_listeners_draining)$';
  const drains = () => Promise.all(members.map(async ({ sidecar }) => [...(await sidecar.stats(STATS)).values()]));
  const serials = async (): Promise<string[]> => {
    const pages = await Promise.all(members.map(({ sidecar }) => sidecar.adminPage('/certs')));
    return pages.map(
      (page) => /"serial_number":\s*"([0-9a-f]+)"/.exec(page.slice(page.indexOf('cert_chain')))?.[1] ?? '',
    );
  };
  const look = async (): Promise<void> => {
    for (const [index, serial] of (await serials()).entries()) if (serial !== '') leaves[index]?.add(serial);
  };
  const failures = () => loads.flatMap((load) => load.failures);
  /** Roots in the bundle that an Envoy holds. */
  const roots = async ({ sidecar }: Member): Promise<number> => {
    const dump = JSON.parse(await sidecar.adminPage('/config_dump?resource=dynamic_active_secrets')) as {
      configs: { name: string; secret: unknown }[];
    };
    const trust = JSON.stringify(dump.configs.find(({ name }) => name === 'trust')?.secret ?? '');
    const [, bytes = ''] = /"inline_bytes":"([^"]+)"/.exec(trust) ?? [];
    return Buffer.from(bytes, 'base64').toString().split('BEGIN CERTIFICATE').length - 1;
  };
  const stages = async (): Promise<string[]> => {
    const { stages: all } = await store.authorities.stages('default');
    return all.map(({ stage, purpose }) => `${stage} ${purpose}`).toSorted();
  };
  const age = (interval: string) =>
    database.rows(`UPDATE authority SET created_at = created_at - interval '${interval}',
      activated_at = activated_at - interval '${interval}', retired_at = retired_at - interval '${interval}'`);

  it('SEC-25 a root that another replica has prepared reaches every sidecar, over the streams that are open', async () => {
    const ended = await mesh.controlPlane.metric('xds_streams_ended_total');
    await replica.rotation.begin('default', 'root');
    await expect.poll(() => Promise.all(members.map(roots)), POLL).toEqual([2, 2]);
    expect(await mesh.controlPlane.metric('xds_streams_ended_total')).toBe(ended);
  });

  it('REL-31 then an issuer under it signs, and both sides accept each other all the time', async () => {
    await age('8 days');
    await replica.rotation.run('default');
    await expect.poll(stages).toEqual(['active intermediate', 'active root', 'prepared intermediate', 'retired root']);
    await age('4 minutes');
    await replica.rotation.run('default');
    await expect.poll(stages).toEqual(['active intermediate', 'active root', 'retired intermediate', 'retired root']);
    const byNewIssuer = async (): Promise<boolean[]> => {
      const rows = await database.rows(
        'SELECT serial FROM issued_certificate c JOIN authority a ON a.id = c.issuer WHERE a.active',
      );
      const known = new Set((rows as { serial: string }[]).map(({ serial }) => serial));
      return (await serials()).map((serial) => known.has(serial));
    };
    await expect.poll(byNewIssuer, POLL).toEqual([true, true]);
    const totals = loads.map((load) => load.total);
    await expect.poll(() => loads.every((load, index) => load.total > (totals[index] ?? 0) + 50)).toBe(true);
    expect([failures(), await drains()]).toEqual([[], drained]);
  });

  it('SDS-5 every sidecar got new leaves by itself all the while, again and again', async () => {
    await expect.poll(() => Math.min(...leaves.map((seen) => seen.size)), POLL).toBeGreaterThanOrEqual(3);
    expect([failures(), await drains()]).toEqual([[], drained]);
  });
});
