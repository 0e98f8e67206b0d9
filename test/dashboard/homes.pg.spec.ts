/** What the homes say, over HTTP: no more than their reader may know, and nothing that is not so. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { StagedView } from '#libs/changes';
import { createTestDatabase, type TestDatabase } from '../../libs/testing/src/postgres/index.js';
import { Board, binding, fillShop, policy, service, split } from './board.js';

const MESH = '/api/v1/meshes/default';
const BOARD = '/api/dashboard/meshes/default';
const CALLER = { rules: [{ from: [{ workloads: ['shop/web'] }] }] };

let database: TestDatabase;
const board = new Board();
const tokens: Record<string, string> = {};

beforeAll(async () => {
  database = await createTestDatabase({ empty: true });
  await board.start('--database-url', database.url);
  await fillShop(board);
  const selector = { matchLabels: { team: 'shop' } };
  await board.apply(
    'Who may what',
    binding('shop-editors', 'editor', 'shop-editors', { namespaces: ['shop'] }),
    binding('shop-operators', 'operator', 'shop-operators', { namespaces: ['shop'] }),
    binding('team-editors', 'editor', 'team-editors', { namespaces: ['shop'], selector }),
    binding('warehouse-editors', 'editor', 'warehouse-editors', { namespaces: ['warehouse'] }),
    binding('shop-security', 'security', 'shop-security', { namespaces: ['shop'] }),
  );
  for (const group of ['shop-editors', 'shop-operators', 'team-editors', 'warehouse-editors', 'shop-security'])
    tokens[group] = await board.token(group, 'none', { groups: [group] });
});
afterAll(async () => {
  await board.stop();
  await database?.drop();
});

const read = async (path: string, who?: string) => {
  const { status, body } = await board.call('GET', path, undefined, who === undefined ? undefined : tokens[who]);
  expect([path, status]).toEqual([path, 200]);
  return body;
};

describe('SEC-34 a trial', () => {
  const route = split(40);
  let id = '';

  beforeAll(async () => {
    const { status, body } = await board.call('POST', `${MESH}/apply`, {
      manifests: [{ ...route, metadata: { ...route.metadata, labels: { team: 'shop' } } }],
      message: 'More to green',
      trial: { canary: [99], observeSeconds: 3_600 },
    });
    expect(status).toBe(200);
    id = body.staged;
  });

  const ofApi = async (who?: string): Promise<readonly StagedView[]> => (await read(`${MESH}/staged`, who)).items;
  const ofHome = async (who?: string) => (await read(`${BOARD}/release`, who)) as Record<'open' | 'over', StagedView[]>;

  it('is on the homes what the API tells the same reader of it: proxies of his namespace, and how many others', async () => {
    const [all] = (await ofHome()).open;
    expect(all).toMatchObject({ id, items: [{ kind: 'HTTPRoute', name: 'orders' }], wave: 1 });
    expect(all?.members).toContain('warehouse/stock-1');
    for (const who of ['shop-editors', 'team-editors', undefined])
      expect((await ofHome(who)).open).toEqual(await ofApi(who));
    const [shown] = (await ofHome('shop-editors')).open;
    expect(shown).toMatchObject({ id, message: 'More to green', reason: '', hidden: 1 });
    expect(shown?.members).toEqual(all?.members.filter((proxy) => proxy.startsWith('shop/')));
    const { trials } = await read(`${BOARD}/operator`, 'shop-operators');
    expect(trials).toEqual([{ id, state: 'canary', message: 'More to green', hidden: 1 }]);
  });

  it('is seen by who may by its labels, as they would become', async () => {
    const [shown] = (await ofHome('team-editors')).open;
    expect(shown).toMatchObject({ id, message: 'More to green', items: [{ kind: 'HTTPRoute', name: 'orders' }] });
    expect(shown?.members).toEqual([]);
  });

  it('shows who may read but a proxy of it that one alone, without what it is', async () => {
    const [shown] = (await ofHome('warehouse-editors')).open;
    expect(shown).toMatchObject({ id, message: '', items: [], members: ['warehouse/stock-1'], reason: '' });
  });

  it('keeps why it ended from who may not see all of it', async () => {
    expect((await board.call('POST', `${MESH}/staged/${id}/revert`)).status).toBe(200);
    await expect.poll(async () => (await ofHome()).over.length).toBe(1);
    expect((await ofHome()).over[0]).toMatchObject({ id, reason: 'taken back by root' });
    const { open, over } = await ofHome('shop-editors');
    expect([open, over]).toEqual([[], await ofApi('shop-editors')]);
    expect((await read(`${BOARD}/operator`, 'shop-operators')).trials).toEqual([]);
  });
});

describe('a service is open', () => {
  const two = { ports: ['http', 'admin'].map((name, i) => ({ name, port: 8080 + i, protocol: 'http' })) };
  const to = (at: string, target: object, spec: object) => ({
    ...policy('AuthorizationPolicy', at, '', {}),
    spec: { targetRef: target, ...spec },
  });
  const open = async (who?: string) =>
    ((await read(`${BOARD}/security`, who)).open as { service: string }[]).filter(({ service: at }) =>
      at.startsWith('shop/x-'),
    );
  const access = async (name: string, who?: string) => (await read(`${BOARD}/services/shop/${name}`, who)).access;

  beforeAll(async () => {
    await board.apply(
      'Services with one policy each',
      ...['x-denied', 'x-ungranted', 'x-granted', 'x-plain', 'x-allowed'].map((name) => service(`shop/${name}`)),
      service('shop/x-port', two),
      policy('AuthorizationPolicy', 'shop/x-allowed', 'x-allowed', { action: 'ALLOW', ...CALLER }),
      policy('AuthorizationPolicy', 'shop/x-denied', 'x-denied', { action: 'DENY', ...CALLER }),
      to('shop/x-port', { kind: 'Service', name: 'x-port', sectionName: 'http' }, { action: 'ALLOW', ...CALLER }),
      ...['x-ungranted', 'x-granted'].map((name) =>
        to(`ops/${name}`, { kind: 'Service', name, namespace: 'shop' }, { action: 'ALLOW', ...CALLER }),
      ),
      {
        ...{ apiVersion: 'gateway.networking.k8s.io/v1beta1', kind: 'ReferenceGrant' },
        metadata: { namespace: 'shop', name: 'ops' },
        spec: {
          from: [{ group: 'heddle.dev', kind: 'AuthorizationPolicy', namespace: 'ops' }],
          to: [{ group: '', kind: 'Service', name: 'x-granted' }],
        },
      },
    );
  });

  it('where no ALLOW is in force: a denial, a policy for another port, and one that is not granted guard nothing', async () => {
    const expected = [
      { service: 'shop/x-denied', ports: ['http'], isPartly: false, denies: true },
      { service: 'shop/x-plain', ports: ['http'], isPartly: false, denies: false },
      { service: 'shop/x-port', ports: ['admin'], isPartly: true, denies: false },
      { service: 'shop/x-ungranted', ports: ['http'], isPartly: false, denies: false },
    ];
    expect(await open()).toEqual(expected);
    expect(await open('shop-security')).toEqual(expected);
  });

  it('on its own page, too, which says what is not in force and why', async () => {
    const none = { policies: 0, hidden: 0, callers: [] };
    expect(await access('x-plain')).toEqual([{ port: 'http', state: 'open', ...none }]);
    expect(await access('x-denied')).toEqual([{ port: 'http', state: 'open', ...none, policies: 1 }]);
    expect(await access('x-port')).toEqual([
      { port: 'http', state: 'guarded', policies: 1, hidden: 0, callers: ['shop/web'] },
      { port: 'admin', state: 'open', ...none },
    ]);
    const { policies, access: found } = await read(`${BOARD}/services/shop/x-ungranted`);
    expect(found).toEqual([{ port: 'http', state: 'open', ...none }]);
    expect(policies).toMatchObject([
      { name: 'x-ungranted', reach: 'service', problem: expect.stringContaining('in another namespace that grants') },
    ]);
  });

  it('to nobody whom a policy guards that its reader may not see', async () => {
    const seen = { port: 'http', state: 'guarded', policies: 1 };
    expect(await access('x-granted')).toEqual([{ ...seen, hidden: 0, callers: ['shop/web'] }]);
    expect(await access('x-granted', 'shop-security')).toEqual([{ ...seen, hidden: 1, callers: [] }]);
  });

  it('no longer once a policy guards the mesh', async () => {
    await board.apply(
      'Only the shop calls',
      to('ops/mesh', { kind: 'Mesh', name: 'default' }, { action: 'ALLOW', ...CALLER }),
    );
    expect(await open()).toEqual([]);
  });
});

it('a service is shown with the ports that it has, not only with what is written of them', async () => {
  await board.apply(
    'Written in few words',
    service('shop/y-terse', { ports: [{ port: 8080 }, { port: 81, appProtocol: 'kubernetes.io/h2c' }] }),
  );
  const { service: shown } = await read(`${BOARD}/services/shop/y-terse`);
  expect(shown.ports).toEqual([
    { name: 'http', port: 8080, protocol: 'http' },
    { name: 'http2', port: 81, protocol: 'http2' },
  ]);
});
