/** Plans, rollback and differences by rights: who may plan what, and what a reader is shown. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MESH, PlanServer, service, timeout } from './server.js';

const elsewhere = (name: string, spec = {}) => {
  const one = service(name, spec);
  return { ...one, metadata: { ...one.metadata, namespace: 'vault' } };
};
const binding = (role: string) => ({
  apiVersion: 'heddle.dev/v1alpha1',
  kind: 'RoleBinding',
  metadata: { name: 'shop-team' },
  spec: { role, subjects: [{ kind: 'Token', name: 'sam' }], namespaces: ['shop'] },
});

let server: PlanServer;
let sam: string;
beforeAll(async () => {
  server = await PlanServer.start();
  await server.apply(service('web'), service('orders'), elsewhere('secret-ledger'), binding('editor'));
  await server.join('web-1');
  sam = await server.tokenOf('sam', 'none');
});
afterAll(() => server?.stop());

const asSam = (method: string, path: string, body?: unknown) =>
  server.call(method, `${MESH}${path}`, body, { token: sam });
const rollbackOf = (change: string) => ({ rollback: { change } });

describe('somebody with rights in one namespace', () => {
  it('plans there, keeps the plan, and applies it', async () => {
    const { status, body } = await asSam('POST', '/plan', { manifests: [timeout('orders', '1s')] });
    expect([status, body.intent.length, body.hidden]).toEqual([200, 1, undefined]);
    expect((await asSam('POST', '/apply', { plan: body.id })).status).toBe(200);
  });

  it('SEC-48: plans nothing elsewhere, kept or not', async () => {
    for (const save of [true, false]) {
      const { status, body } = await asSam('POST', '/plan', { manifests: [elsewhere('more')], save });
      expect([status, body.missing]).toEqual([403, expect.objectContaining({ kind: 'Service', namespace: 'vault' })]);
    }
    const gone = { deletes: [{ kind: 'Service', namespace: 'vault', name: 'secret-ledger' }], save: false };
    const nothing = { deletes: [{ kind: 'Service', namespace: 'vault', name: 'nothing' }], save: false };
    expect([(await asSam('POST', '/plan', gone)).status, (await asSam('POST', '/plan', nothing)).status]).toEqual([
      404, 404,
    ]);
  });

  it('SEC-48: is not told what a rollback or a plan of somebody else would write elsewhere', async () => {
    const change = await server.apply(
      service('web', { subsets: [] }),
      elsewhere('secret-ledger', { ports: [{ port: 9090 }] }),
      elsewhere('other-secret'),
    );
    const plan = await server.plan({ manifests: [service('web'), elsewhere('more-secret')] });
    const refusals = [
      await asSam('POST', '/plan', rollbackOf(change)),
      await asSam('POST', '/plan', { ...rollbackOf(change), save: false }),
      await asSam('POST', '/apply', { plan: plan.id }),
    ];
    expect(refusals.map(({ status }) => status)).toEqual([403, 403, 403]);
    expect(refusals.map(({ body }) => body.detail)).toEqual([
      'this would write 2 resources that you may not read',
      'this would write 2 resources that you may not read',
      'this would write one resource that you may not read',
    ]);
    expect(JSON.stringify(refusals)).not.toContain('secret');
    const seen = (await asSam('GET', `/plans/${plan.id}`)).body;
    expect(seen.intent.map(({ name }: { name: string }) => name)).toEqual(['web']);
    expect([seen.hidden.intent, JSON.stringify(seen).includes('secret')]).toEqual([1, false]);
  });

  it('SEC-48: is not told by a warning who refers to what he deletes', async () => {
    const user = timeout('quiet-user', '1s', 'web');
    const spec = { ...user.spec, targetRef: { kind: 'Service', name: 'web', namespace: 'shop' } };
    await server.apply({ ...user, metadata: { ...user.metadata, namespace: 'vault' }, spec });
    const deletes = [{ kind: 'Service', namespace: 'shop', name: 'web' }];
    const { body } = await asSam('POST', '/plan', { deletes, save: false });
    const messages = body.warnings.map(({ message }: { message: string }) => message);
    expect(messages).toContainEqual(expect.stringMatching(/^a resource of another namespace still refers to it/));
    expect(JSON.stringify(body)).not.toContain('quiet-user');
    const all = (await server.plan({ deletes })).warnings;
    expect(all).toContainEqual(expect.objectContaining({ by: expect.objectContaining({ name: 'quiet-user' }) }));
  });

  it('SEC-48: sees of the difference of two revisions what he may read, and how much there is beside', async () => {
    const { body } = await asSam('GET', '/diff?from=1');
    expect(body.items.every(({ namespace }: { namespace: string }) => namespace === 'shop')).toBe(true);
    expect(body.items.length).toBeGreaterThan(0);
    expect(body.hidden).toBeGreaterThan(1);
    expect(JSON.stringify(body)).not.toContain('secret');
  });

  it('cannot apply a plan once the right is gone, though it was kept', async () => {
    const { body } = await asSam('POST', '/plan', { manifests: [timeout('orders', '5s')] });
    await server.apply(binding('viewer'));
    const refused = await asSam('POST', '/apply', { plan: body.id });
    expect([refused.status, refused.body.missing]).toEqual([403, expect.anything()]);
    const kept = await asSam('POST', '/plan', { manifests: [timeout('orders', '5s')] });
    expect([kept.status, kept.body.detail]).toEqual([403, expect.stringContaining('"save": false')]);
    expect((await asSam('POST', '/plan', { manifests: [timeout('orders', '5s')], save: false })).status).toBe(200);
  });
});
