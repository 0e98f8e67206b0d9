import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { access, MESH, PlanServer, service, timeout } from './server.js';

let server: PlanServer;
beforeAll(async () => {
  server = await PlanServer.start();
  await server.apply(service('web'), service('orders'));
});
afterAll(() => server?.stop());

const read = async (plural: string, name: string) =>
  (await server.call('GET', `${MESH}/namespaces/shop/${plural}/${name}`)).body;
const rollback = (rollback: Readonly<Record<string, unknown>>, more = {}) =>
  server.call('POST', `${MESH}/plan`, { rollback, ...more });

describe('rollback', () => {
  it('is a new change with the old content', async () => {
    await server.apply(timeout('orders', '1s'));
    const change = await server.apply(timeout('orders', '2s'), service('extra'));
    const { body: plan } = await rollback({ change });
    expect(plan.reverts).toBe(change);
    expect(plan.intent).toMatchObject([
      { op: 'update', name: 'orders', fields: [{ path: 'spec.request', before: '2s', after: '1s' }] },
      { op: 'delete', name: 'extra' },
    ]);
    expect((await server.applyPlan(plan)).status).toBe(200);
    expect((await read('timeoutpolicies', 'orders')).spec.request).toBe('1s');
    const { body } = await server.call('GET', `${MESH}/history?limit=1`);
    expect(body.items[0]).toMatchObject({ reverts: change, message: `rollback of ${change}` });
    const again = await rollback({ change: body.items[0].change });
    expect(again.body.intent.map(({ op }: { op: string }) => op)).toEqual(['create', 'update']);
  });

  it('shows conflicts with later changes resource by resource, and does with them what it is told', async () => {
    const change = await server.apply(timeout('orders', '3s'), service('mine'));
    const later = await server.apply(timeout('orders', '4s'));
    const refused = await rollback({ change });
    expect([refused.status, refused.body.type]).toEqual([409, 'urn:heddle:problem:rollback-conflict']);
    expect(refused.body.violations).toMatchObject([{ resource: { kind: 'TimeoutPolicy', name: 'orders' } }]);
    expect(refused.body.violations[0].message).toContain(`alice in ${later}`);
    const skipped = await rollback({ change, conflicts: 'skip' });
    expect(skipped.body.intent).toMatchObject([{ op: 'delete', name: 'mine' }]);
    expect(skipped.body.conflicts).toMatchObject([{ name: 'orders', decision: 'skip' }]);
    const forced = await rollback({ change, conflicts: 'overwrite' });
    expect(forced.body.intent).toMatchObject([
      { name: 'orders', fields: [{ before: '4s', after: '1s' }] },
      { name: 'mine' },
    ]);
  });

  it('goes to how everything was after a revision', async () => {
    const { revision } = (await server.call('GET', `${MESH}/history?limit=1`)).body.items[0];
    await server.apply(timeout('orders', '8s'), service('temporary'));
    await server.call('DELETE', `${MESH}/namespaces/shop/services/web`);
    const { body: plan } = await rollback({ toRevision: revision });
    expect(plan.intent.map(({ op, name }: { op: string; name: string }) => `${op} ${name}`)).toEqual([
      'create web',
      'update orders',
      'delete temporary',
    ]);
    await server.applyPlan(plan);
    const { body } = await server.call('GET', `${MESH}/diff?from=${revision}`);
    expect(body.items).toEqual([]);
  });

  it('touches security only when it is told to', async () => {
    const change = await server.apply(access('orders'));
    const refused = await rollback({ change });
    expect([refused.status, refused.body.type]).toEqual([409, 'urn:heddle:problem:include-security']);
    expect(refused.body.detail).toContain('AuthorizationPolicy shop/orders');
    expect((await rollback({ change }, { includeSecurity: true })).body.intent).toMatchObject([{ op: 'delete' }]);
    const mesh = { apiVersion: 'heddle.dev/v1alpha1', kind: 'Mesh', metadata: { name: 'default' }, spec: {} };
    const open = await server.apply({ ...mesh, spec: { mtls: { mode: 'PERMISSIVE' } } });
    expect((await rollback({ change: open })).status).toBe(409);
  });

  it('knows only changes of this mesh', async () => {
    expect((await rollback({ change: 'c-99999' })).status).toBe(404);
    expect((await rollback({ toRevision: 99_999 })).status).toBe(404);
  });
});

describe('prune', () => {
  const directory = (...manifests: readonly unknown[]) => ({ manifests, prune: { owner: 'shop-repo' } });

  it('makes documents the truth for what their owner has, and is idempotent', async () => {
    const first = await server.plan(directory(service('a'), service('b')));
    expect(first.intent.map(({ op, name }) => [op, name])).toEqual([
      ['create', 'a'],
      ['create', 'b'],
    ]);
    await server.applyPlan(first);
    expect((await read('services', 'a')).metadata.labels).toEqual({ 'heddle.dev/owner': 'shop-repo' });
    const same = await server.plan(directory(service('a'), service('b')));
    expect(same.intent.every(({ op }) => op === 'unchanged')).toBe(true);
    expect((await server.applyPlan(same)).body.change).toBe('');
    const fewer = await server.plan(directory(service('b')));
    expect(fewer.intent.map(({ op, name }) => [op, name])).toEqual([
      ['unchanged', 'b'],
      ['delete', 'a'],
    ]);
    await server.applyPlan(fewer);
    expect((await read('services', 'a')).status).toBe(404);
    expect((await read('services', 'orders')).metadata.name).toBe('orders');
  });

  it('leaves alone what belongs to another owner, and says whose it is', async () => {
    const taken = await server.call('POST', `${MESH}/plan`, { manifests: [service('b')], prune: { owner: 'other' } });
    expect([taken.status, taken.body.violations[0].message]).toEqual([
      400,
      expect.stringContaining('belongs to "shop-repo"'),
    ]);
    const labelled = {
      ...service('c'),
      metadata: { name: 'c', namespace: 'shop', labels: { 'heddle.dev/owner': 'x' } },
    };
    const wrong = await server.call('POST', `${MESH}/plan`, directory(labelled));
    expect(wrong.body.violations[0]).toMatchObject({
      path: '/metadata/labels/heddle.dev~1owner',
      code: 'owned-by-another',
    });
  });

  it('deletes what decides on access only when it is told to', async () => {
    await server.applyPlan(await server.plan(directory(service('b'), access('b'))));
    const refused = await server.call('POST', `${MESH}/plan`, directory(service('b')));
    expect([refused.status, refused.body.type]).toEqual([409, 'urn:heddle:problem:include-security']);
    const plan = await server.plan({ ...directory(service('b')), includeSecurity: true });
    expect(plan.intent.map(({ op }) => op)).toEqual(['unchanged', 'delete']);
  });
});

describe('the difference of two revisions', () => {
  it('is what became of each resource, whatever happened in between, both ways', async () => {
    const { revision: from } = (await server.call('GET', `${MESH}/history?limit=1`)).body.items[0];
    await server.apply(timeout('web', '1s'));
    await server.apply(timeout('web', '2s'), service('gone'));
    await server.call('DELETE', `${MESH}/namespaces/shop/services/gone`);
    const to = (await server.call('GET', `${MESH}/history?limit=1`)).body.items[0].revision;
    const forwards = await server.call('GET', `${MESH}/diff?from=${from}&to=${to}`);
    expect(forwards.body.items).toMatchObject([
      { op: 'create', kind: 'TimeoutPolicy', name: 'web', manifest: { spec: { request: '2s' } } },
    ]);
    expect(forwards.body.items[0].changes).toHaveLength(2);
    const backwards = await server.call('GET', `${MESH}/diff?from=${to}&to=${from}`);
    expect(backwards.body.items).toMatchObject([{ op: 'delete', name: 'web' }]);
    expect((await server.call('GET', `${MESH}/diff?from=1&to=99999`)).status).toBe(404);
  });
});
