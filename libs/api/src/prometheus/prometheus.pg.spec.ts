import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MeshGraph } from '#libs/compiler';
import { policies } from '#policies';
import { createTestDatabase, type TestDatabase } from '../../../testing/src/postgres/index.js';
import { compiledMesh } from '../../testing/compiled-mesh.js';
import { aBinding, aService, Caller, given } from '../../testing/mesh-of-teams.js';
import { type ServedApi, serveApi } from '../../testing/served-api.js';
import type { TargetGroup } from './targets.js';

let database: TestDatabase;
let api: ServedApi;
let admin: Caller;
let shop: Caller;

const register = async (at: string, body: object): Promise<void> => {
  const [namespace = '', name = ''] = at.split('/');
  const answer = await admin.call('PUT', `namespaces/${namespace}/instances/${name}`, {
    body: { app: { ports: { http: 8080 } }, ...body },
  });
  expect(answer.status, JSON.stringify(answer.body)).toBe(201);
};

beforeAll(async () => {
  database = await createTestDatabase();
  api = await serveApi(database.url, {
    policies,
    live: async (mesh) =>
      compiledMesh(api, mesh, {
        graph: new MeshGraph({ mesh, policies }),
        instances: await api.store.instances.list(mesh),
      }),
  });
  admin = new Caller(api, await api.token('admin'));
  const everyOrders = aService('shop/all-orders');
  const selector = { matchLabels: { app: 'orders' } };
  await given(admin, aService('shop/orders-blue'), { ...everyOrders, spec: { ...everyOrders.spec, selector } });
  await given(admin, aService('bank/vault'));
  await given(admin, aBinding('shop', 'viewer', 'shop', { namespaces: ['shop'] }));
  await register('shop/orders-blue-1', {
    workload: 'orders-blue',
    labels: { app: 'orders', version: 'blue' },
    bind: { address: '10.0.0.1', ports: { http: 8080 } },
    locality: { region: 'eu', zone: 'eu-a' },
    metrics: { port: 9102 },
  });
  await register('shop/lone-1', {
    workload: 'lone',
    bind: { address: '10.0.0.2', ports: { http: 8080 } },
    metrics: { address: 'fd00::2', port: 9102 },
  });
  await register('shop/silent-1', { workload: 'silent', bind: { address: '10.0.0.3', ports: { http: 8080 } } });
  await register('bank/vault-1', {
    workload: 'vault',
    bind: { address: '10.0.0.4', ports: { http: 8080 } },
    metrics: { port: 9102 },
  });
  shop = await Caller.of(api, 'of-the-shop', 'shop');
});
afterAll(async () => {
  await api?.stop();
  await database?.drop();
});

const targets = async (caller: Caller): Promise<readonly TargetGroup[]> => {
  const { status, body } = await caller.call('GET', 'prometheus/targets');
  expect(status, JSON.stringify(body)).toBe(200);
  return body;
};

describe('targets for Prometheus', () => {
  it('are the sidecars that let it in, with what is known of them', async () => {
    expect(await targets(admin)).toEqual([
      expect.objectContaining({ targets: ['10.0.0.4:9102'] }),
      {
        targets: ['[fd00::2]:9102'],
        labels: {
          ...{ __meta_heddle_mesh: 'default', __meta_heddle_namespace: 'shop', __meta_heddle_instance: 'lone-1' },
          ...{ __meta_heddle_workload: 'lone', __meta_heddle_host: '10.0.0.2' },
        },
      },
      {
        targets: ['10.0.0.1:9102'],
        labels: {
          ...{ __meta_heddle_mesh: 'default', __meta_heddle_namespace: 'shop', __meta_heddle_host: '10.0.0.1' },
          ...{ __meta_heddle_instance: 'orders-blue-1', __meta_heddle_workload: 'orders-blue' },
          ...{ __meta_heddle_service: 'all-orders', __meta_heddle_services: ',all-orders,orders-blue,' },
          ...{ __meta_heddle_version: 'blue', __meta_heddle_zone: 'eu-a', __meta_heddle_region: 'eu' },
        },
      },
    ]);
  });

  it('SEC-34: are those of instances that the reader may list', async () => {
    expect((await targets(shop)).map((group) => group.targets[0])).toEqual(['[fd00::2]:9102', '10.0.0.1:9102']);
    const nobody = await Caller.of(api, 'nobody', 'nobodies');
    expect((await nobody.call('GET', 'prometheus/targets')).status).toBe(404);
    expect((await nobody.call('GET', 'prometheus/targets', { token: '' })).status).toBe(401);
  });

  it('have an ETag that stays until something changes', async () => {
    const first = await admin.call('GET', 'prometheus/targets');
    const tag = first.headers.get('etag') ?? '';
    const again = await admin.call('GET', 'prometheus/targets', { headers: { 'if-none-match': tag } });
    expect([again.status, again.body]).toEqual([304, '']);
    await register('shop/late-1', {
      workload: 'late',
      bind: { address: '10.0.0.9', ports: { http: 8080 } },
      metrics: { port: 9102 },
    });
    const changed = await admin.call('GET', 'prometheus/targets', { headers: { 'if-none-match': tag } });
    expect([changed.status, changed.body.length]).toEqual([200, 4]);
  });

  it('take no parameters, of which Prometheus sends none', async () => {
    expect((await admin.call('GET', 'prometheus/targets?x=1')).status).toBe(400);
  });
});

const telemetry = (at: string, targetRef: object | undefined, metrics: object) => {
  const [namespace = '', name = ''] = at.split('/');
  return {
    ...{ apiVersion: 'heddle.dev/v1alpha1', kind: 'Telemetry', metadata: { namespace, name } },
    spec: { ...(targetRef && { targetRef }), metrics },
  };
};

describe('what a Telemetry policy says of metrics', () => {
  const added = async (): Promise<Record<string, unknown>> => {
    const own = /^__meta_heddle_(mesh|namespace|instance|workload|service|services|version|zone|region|host)$/;
    const groups = (await targets(admin)).map(({ labels }) => [
      labels['__meta_heddle_instance'],
      Object.fromEntries(Object.entries(labels).filter(([name]) => !own.test(name))),
    ]);
    return Object.fromEntries(groups);
  };

  beforeAll(async () => {
    await register('shop/sparse-1', {
      ...{ workload: 'sparse', bind: { address: '10.0.0.5', ports: { http: 8080 } } },
      metrics: { port: 9102, details: ['Counts', 'Minimal'] },
    });
    await given(
      admin,
      telemetry('shop/everybody', { kind: 'Mesh', name: 'default' }, { tags: [{ name: 'org', literal: 'acme' }] }),
      telemetry('shop/ours', undefined, {
        detail: 'Minimal',
        tags: [
          { name: 'team', literal: 'a "quoted" one' },
          { name: 'color', label: 'version' },
        ],
      }),
    );
  });

  it('is told of each sidecar, the most specific first, and of a label where its instance has it', async () => {
    const team = { __meta_heddle_tag_team: 'a "quoted" one' };
    expect(await added()).toMatchObject({
      'vault-1': { __meta_heddle_tag_org: 'acme' },
      'lone-1': team,
      'orders-blue-1': { ...team, __meta_heddle_tag_color: 'blue' },
      'sparse-1': { ...team, __metrics_path__: '/stats/prometheus/minimal' },
    });
  });

  it('sends Prometheus to no path that the start-up file of a sidecar does not offer', async () => {
    const paths = Object.entries(await added()).filter(([, labels]) => '__metrics_path__' in (labels as object));
    expect(paths.map(([name]) => name)).toEqual(['sparse-1']);
    await given(admin, telemetry('shop/ours', undefined, { detail: 'Full' }));
    expect(await added()).toMatchObject({ 'sparse-1': { __meta_heddle_tag_org: 'acme' } });
    expect(JSON.stringify(await added())).not.toContain('__metrics_path__');
  });

  it('changes the ETag', async () => {
    const tag = (await admin.call('GET', 'prometheus/targets')).headers.get('etag');
    await given(admin, telemetry('shop/ours', { kind: 'Workload', name: 'lone' }, { tags: [] }));
    const changed = await admin.call('GET', 'prometheus/targets', { headers: { 'if-none-match': tag ?? '' } });
    expect(changed.status).toBe(200);
    expect((await added())['lone-1']).toEqual({});
  });

  it('SEC-34: is told of the instances that the reader may list, and of no others', async () => {
    expect((await targets(shop)).map(({ labels }) => labels['__meta_heddle_instance'])).not.toContain('vault-1');
  });
});
