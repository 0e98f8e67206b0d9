import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { AlertRow } from '#libs/store';
import { createTestDatabase, type TestDatabase } from '../../../testing/src/postgres/index.js';
import { idleAlerts, type ServedApi, serveApi } from '../../testing/served-api.js';

const MESH = '/api/v1/meshes/default';

const alert = (name: string, labels: Readonly<Record<string, string>>, more: Partial<AlertRow> = {}): AlertRow => ({
  ...{ mesh: 'default', fingerprint: Buffer.from(name).toString('hex'), state: 'firing' },
  rule: { kind: 'AlertRule', namespace: labels['namespace'] ?? '', name },
  labels: { alertname: name, severity: 'critical', ...labels },
  ...{ pendingAt: 1_000, firingAt: 2_000, resolvedAt: 0, seenAt: 3_000, heldMs: 0, overMs: -1, unknownMs: 0 },
  ...{
    value: 1,
    threshold: 0,
    unit: 'proxies',
    sentence: '<b>one</b> refuses',
    description: '',
    runbook: '',
    ending: '',
  },
  ...more,
});

let database: TestDatabase;
let api: ServedApi;
let shopViewer: string;
let shopEditor: string;
const tested: string[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
  api = await serveApi(database.url, {
    alerts: {
      rules: () =>
        Promise.resolve(
          ['shop', 'bank', ''].map((namespace) => ({
            ...{ kind: 'AlertRule', namespace, name: 'r', state: 'evaluated', why: '', condition: 'ProxiesRefusing' },
            ...{ scope: 'Namespace', severity: 'critical', holding: [] },
          })),
        ),
      receivers: () =>
        Promise.resolve([
          { namespace: 'shop', name: 'oncall', scope: 'Namespace', type: 'Webhook', to: 'a.example.com' },
        ]),
      test: (_, namespace, name) => {
        tested.push(`${namespace}/${name}`);
        return Promise.resolve({ delivered: true, reason: '', tookMs: 3 });
      },
      silencedBy: (silences) => (labels) =>
        silences.find(({ matchers }) => matchers[0] === `alertname="${labels['alertname']}"`),
    },
  });
  const heddle = { apiVersion: 'heddle.dev/v1alpha1' };
  for (const [name, role] of [
    ['viewer', 'viewer'],
    ['editor', 'editor'],
  ]) {
    const spec = { role, subjects: [{ kind: 'Token', name: `shop-${name}` }], namespaces: ['shop'] };
    expect((await api.call('PUT', `${MESH}/rolebindings/${name}`, { body: { ...heddle, spec } })).status).toBe(201);
  }
  shopViewer = await api.token('none', { name: 'shop-viewer' });
  shopEditor = await api.token('none', { name: 'shop-editor' });
  const spec = { webhook: { url: 'https://a.example.com' } };
  expect(
    (await api.call('PUT', `${MESH}/namespaces/shop/alertreceivers/oncall`, { body: { ...heddle, spec } })).status,
  ).toBe(201);
  const lease = await api.store.leases.take('alerts', 'test', 600_000);
  if (!lease) throw new Error('the lease is taken');
  const alerts = [
    alert('ended', { namespace: 'shop' }, { state: 'resolved', resolvedAt: 9_000 }),
    alert('minor', { namespace: 'shop', severity: 'warning' }),
    alert('refusals', { namespace: 'shop' }),
    alert('of-the-bank', { namespace: 'bank' }),
    alert('of-the-mesh', {}, { value: undefined, unknownMs: 5_000 }),
  ];
  const events = alerts.map((one) => ({ state: 'firing' as const, alert: one }));
  await api.store.alerts.commit(lease, {
    mesh: 'default',
    put: alerts,
    removed: [],
    events,
    groups: [],
    removedGroups: [],
    notifications: [],
  });
});
beforeEach(async () => {
  await database.rows('DELETE FROM alert_silence');
});
afterAll(async () => {
  await api?.stop();
  await database?.drop();
});

const names = ({ items }: { items: { name: string }[] }): string[] => items.map(({ name }) => name);

describe('alerts by REST', () => {
  it('what is most urgent comes first, with everything that a reader needs', async () => {
    const { body } = await api.call('GET', `${MESH}/alerts`);
    expect(names(body)).toEqual(['of-the-bank', 'of-the-mesh', 'refusals', 'minor', 'ended']);
    expect(body.items[2]).toMatchObject({
      ...{
        state: 'firing',
        severity: 'critical',
        namespace: 'shop',
        value: 1,
        unit: 'proxies',
        summary: '<b>one</b> refuses',
      },
      ...{ since: '1970-01-01T00:00:01.000Z', startsAt: '1970-01-01T00:00:02.000Z', endsAt: null, silence: null },
      links: { rule: `${MESH}/namespaces/shop/alertrules/refusals` },
    });
    expect(body.items[1]).toMatchObject({ value: null, unknownSeconds: 5, namespace: '' });
    expect(names((await api.call('GET', `${MESH}/alerts?state=resolved`)).body)).toEqual(['ended']);
    expect(names((await api.call('GET', `${MESH}/alerts?namespace=bank`)).body)).toEqual(['of-the-bank']);
    expect((await api.call('GET', `${MESH}/alerts?state=bad`)).status).toBe(400);
  });

  it('SEC-34: of a namespace its own, with a count of the others; those of the mesh as a whole are not its own', async () => {
    for (const path of ['alerts', 'alerts/history']) {
      const { body } = await api.call('GET', `${MESH}/${path}`, { token: shopViewer });
      expect([names(body).toSorted(), body.hidden]).toEqual([['ended', 'minor', 'refusals'], 2]);
    }
    const rules = await api.call('GET', `${MESH}/alerts/rules`, { token: shopViewer });
    expect([rules.body.items.length, rules.body.hidden]).toEqual([1, 2]);
    const file = await api.call('GET', `${MESH}/alerts/prometheus-rules`, { token: shopViewer });
    expect([file.status, file.body.detail]).toEqual([403, expect.stringContaining('list AlertRule in mesh default')]);
  });

  it('history comes in pages', async () => {
    const first = (await api.call('GET', `${MESH}/alerts/history?limit=2`)).body;
    const next = (await api.call('GET', `${MESH}/alerts/history?limit=9&cursor=${first.cursor}`)).body;
    expect([...names(first), ...names(next)]).toHaveLength(5);
    const one = await api.call('GET', `${MESH}/alerts/history?fingerprint=${Buffer.from('minor').toString('hex')}`);
    expect(names(one.body)).toEqual(['minor']);
  });

  it('receivers with whether they are told, and a file for Prometheus', async () => {
    expect((await api.call('GET', `${MESH}/alerts/receivers`)).body.items).toMatchObject([
      { name: 'oncall', queued: 0, to: 'a.example.com' },
    ]);
    const file = await api.call('GET', `${MESH}/alerts/prometheus-rules`);
    expect([file.headers.get('content-type'), file.body]).toEqual([
      'application/yaml; charset=utf-8',
      await idleAlerts.prometheusRules(''),
    ]);
    expect((await api.call('GET', `${MESH}/alerts/objectives`)).body).toEqual({ items: [], hidden: 0 });
  });
});

describe('silences by REST', () => {
  const body = { namespace: 'shop', matchers: ['alertname="refusals"'], reason: 'we know', seconds: 3_600 };

  it('are made by who may, shown with the alert, and ended', async () => {
    const made = await api.call('POST', `${MESH}/silences`, { body, token: shopEditor });
    expect([made.status, made.body]).toEqual([
      201,
      expect.objectContaining({ author: 'shop-editor', reason: 'we know', active: true }),
    ]);
    const shown = (await api.call('GET', `${MESH}/alerts`)).body.items.find(
      ({ name }: { name: string }) => name === 'refusals',
    );
    expect(shown.silence).toBe(made.body.id);
    expect((await api.call('DELETE', `${MESH}/silences/${made.body.id}`, { token: shopViewer })).status).toBe(403);
    expect((await api.call('DELETE', `${MESH}/silences/${made.body.id}`, { token: shopEditor })).status).toBe(204);
    expect((await api.call('DELETE', `${MESH}/silences/${made.body.id}`, { token: shopEditor })).status).toBe(404);
    expect((await api.call('GET', `${MESH}/silences`)).body.items).toEqual([]);
    expect((await api.call('GET', `${MESH}/silences?all=true`)).body.items).toMatchObject([{ endedBy: 'shop-editor' }]);
  });

  it('SEC-48: who may in one namespace silences neither another nor the whole mesh, nor sees what is silenced there', async () => {
    for (const namespace of ['bank', ''])
      expect(
        (await api.call('POST', `${MESH}/silences`, { body: { ...body, namespace }, token: shopEditor })).status,
      ).toBe(403);
    const ofAll = await api.call('POST', `${MESH}/silences`, { body: { ...body, namespace: '' } });
    expect(ofAll.status).toBe(201);
    expect((await api.call('GET', `${MESH}/silences`, { token: shopEditor })).body).toEqual({ items: [], hidden: 1 });
    expect((await api.call('DELETE', `${MESH}/silences/${ofAll.body.id}`, { token: shopEditor })).status).toBe(404);
    expect((await api.call('POST', `${MESH}/silences`, { body, token: shopViewer })).status).toBe(403);
  });

  it.each([
    [{ seconds: 1 }, '/seconds'],
    [{ seconds: 1e9 }, '/seconds'],
    [{ reason: ' ' }, '/reason'],
    [{ matchers: ['nonsense'] }, '/matchers/0'],
    [{ namespace: 'A' }, '/namespace'],
    [{ until: 'x' }, '/until'],
  ])('%j is refused', async (more, path) => {
    const { status, body: problem } = await api.call('POST', `${MESH}/silences`, { body: { ...body, ...more } });
    expect([status, problem.violations[0].path]).toEqual([400, path]);
  });
});

describe('a test of a receiver', () => {
  const at = (namespace: string, name: string) => `${MESH}/namespaces/${namespace}/alertreceivers/${name}/test`;

  it('is made by who may write it', async () => {
    expect((await api.call('POST', at('shop', 'oncall'), { token: shopEditor })).body).toEqual({
      delivered: true,
      reason: '',
      tookMs: 3,
    });
    expect((await api.call('POST', at('shop', 'oncall'), { token: shopViewer })).status).toBe(403);
    expect((await api.call('POST', at('shop', 'absent'))).status).toBe(404);
    expect((await api.call('POST', at('bank', 'oncall'), { token: shopEditor })).status).toBe(403);
    expect(tested).toEqual(['shop/oncall']);
  });

  it('SEC-48: rules and receivers of the whole mesh are written by who may write them in all of it', async () => {
    const put = async (plural: string, spec: object, token: string) =>
      (
        await api.call('PUT', `${MESH}/namespaces/shop/${plural}/x`, {
          body: { apiVersion: 'heddle.dev/v1alpha1', spec },
          token,
        })
      ).status;
    const webhook = { url: 'https://a.example.com' };
    expect(await put('alertrules', { proxiesRefusing: {}, scope: 'Mesh' }, shopEditor)).toBe(403);
    expect(await put('alertreceivers', { webhook, scope: 'Mesh' }, shopEditor)).toBe(403);
    expect(await put('alertrules', { proxiesRefusing: {} }, shopEditor)).toBe(201);
    expect(await put('alertrules', { proxiesRefusing: {}, scope: 'Mesh' }, await api.token('editor'))).toBe(200);
  });
});
