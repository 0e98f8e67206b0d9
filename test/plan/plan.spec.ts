import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { definePolicy, type PolicyKind, printId, strict } from '#libs/model';
import { policies } from '#policies';
import { MESH, PlanServer, service, timeout, v2 } from './server.js';

/** A policy whose numbers compile up to ten. */
const fragile: PolicyKind = definePolicy<
  { readonly limits: readonly { readonly n: number }[] },
  { readonly n: number }
>({
  kind: 'FragilePolicy',
  plural: 'fragilepolicies',
  summary: 'Fails to compile above 10.',
  side: 'client',
  targets: ['Service'],
  schema: strict({ limits: z.array(strict({ n: z.number() })) }),
  resolve: (contributions) => ({ n: Math.max(...contributions.flatMap(({ spec }) => spec.limits.map(({ n }) => n))) }),
  contributors: () => [],
  toRoute: ({ n }) => {
    if (n > 10) throw new Error(`${n} is more than 10`);
    return {};
  },
}) as unknown as PolicyKind;

let server: PlanServer;
beforeAll(async () => {
  server = await PlanServer.start([...policies, fragile]);
  await server.apply(service('web'), service('orders'), service('carts'));
  await server.join('web-1');
  await server.join('orders-2');
});
afterAll(() => server?.stop());

describe('a plan', () => {
  it('says what would change: intent by field, Envoy by field, who is sent it; and writes nothing', async () => {
    await server.apply(timeout('orders', '1s'));
    const plan = await server.plan({ manifests: [timeout('orders', '2s'), service('web')], message: 'slower' });
    expect(plan.intent).toMatchObject([
      {
        op: 'update',
        kind: 'TimeoutPolicy',
        name: 'orders',
        version: 1,
        fields: [{ path: 'spec.request', op: 'change', before: '1s', after: '2s' }],
      },
      { op: 'unchanged', kind: 'Service', name: 'web', fields: [] },
    ]);
    expect(plan.envoy).toMatchObject({ added: 0, changed: 1, removed: 0, withoutFields: 0 });
    const [route] = plan.envoy.items;
    expect(route).toMatchObject({ op: 'change', type: 'RouteConfiguration', name: 'shop/orders', proxies: 2 });
    expect(route?.fields).toContainEqual({
      path: expect.stringMatching(/^virtualHosts\[8080\]\.routes\[.*\]\.route\.timeout$/),
      op: 'change',
      before: '1s',
      after: '2s',
    });
    expect(plan.proxies).toMatchObject({
      total: 2,
      touched: 2,
      items: [{ instance: 'orders-2' }, { instance: 'web-1' }],
    });
    expect(plan.cost.recomputed).toBeGreaterThan(0);
    expect(plan.id).toMatch(/^p-/);
    expect((await server.call('GET', `${MESH}/plans/${plan.id}`)).body).toEqual(plan);
    const stored = await server.call('GET', `${MESH}/namespaces/shop/timeoutpolicies/orders`);
    expect(stored.body.spec.request).toBe('1s');
  });

  it('is as the OpenAPI document describes it, with no member that is not described', async () => {
    const { body: document } = await server.call('GET', '/api/openapi.json');
    const check = (name: string, value: unknown) => {
      const closed = (_key: string, part: unknown): unknown =>
        typeof part === 'object' && part !== null && 'properties' in part
          ? { ...part, additionalProperties: false }
          : part;
      const schema = JSON.parse(JSON.stringify(document.components.schemas[name], closed)) as Record<string, unknown>;
      expect(z.fromJSONSchema(schema).safeParse({ more: 1 }).success).toBe(false);
      const parsed = z.fromJSONSchema(schema).safeParse(value);
      expect(parsed.error?.issues ?? []).toEqual([]);
    };
    const route = {
      apiVersion: 'gateway.networking.k8s.io/v1',
      kind: 'HTTPRoute',
      metadata: { name: 'zero', namespace: 'shop' },
      spec: {
        parentRefs: [{ group: '', kind: 'Service', name: 'web' }],
        rules: [{ backendRefs: [{ name: 'web', port: 8080, weight: 0 }] }],
      },
    };
    const plan = await server.plan({
      manifests: [service('fresh'), route, timeout('orders', '11s'), service('web', { subsets: [] })],
    });
    expect(plan.findings.length).toBeGreaterThan(0);
    check('Plan', plan);
    check('Differences', (await server.call('GET', `${MESH}/diff?from=1`)).body);
  });

  it('knows an update in words only, and lists of everything that a new service enters', async () => {
    const plan = await server.plan({ manifests: [service('web', { subsets: [] }), service('more')] });
    expect(plan.intent[0]).toMatchObject({ op: 'update', sameMeaning: true });
    expect(
      plan.envoy.items.some(({ op, type, name }) => op === 'add' && type === 'Cluster' && name === 'shop/more/8080'),
    ).toBe(true);
    expect(plan.envoy.changed).toBe(0);
  });

  it('shows no more resources field by field than asked, but all by name', async () => {
    const plan = await server.plan({ manifests: [service('more')], details: 1 });
    expect(plan.envoy.items.filter(({ content }) => content !== undefined)).toHaveLength(1);
    expect(plan.envoy.withoutFields).toBe(plan.envoy.added - 1);
  });

  it('says which of the sample requests would go elsewhere, for which callers', async () => {
    const requests = [{ host: 'orders.shop', path: '/v2/x' }, { host: 'orders.shop' }, { host: 'carts.shop' }];
    const plan = await server.plan({ manifests: [v2('orders', 'carts')], requests });
    expect(plan.replay).toMatchObject({ total: 3, unchanged: 2, unsupported: [], skipped: 0 });
    expect(plan.replay?.groups).toMatchObject([
      {
        ...{ change: 'elsewhere', requests: [0], examples: ['GET http://orders.shop/v2/x'] },
        ...{ before: expect.stringContaining('shop/orders/8080'), after: expect.stringContaining('shop/carts/8080') },
        callers: [{ namespace: 'shop', proxies: 2 }],
      },
    ]);
    expect((await server.call('GET', `${MESH}/plans/${plan.id}`)).body.replay).toEqual(plan.replay);
  });

  it('is for readers too, as long as it is not kept', async () => {
    const token = await server.tokenOf('reader', 'viewer');
    const ask = (save: boolean) => server.call('POST', `${MESH}/plan`, { manifests: [service('x')], save }, { token });
    expect([(await ask(false)).status, (await ask(false)).body.id, (await ask(true)).status]).toEqual([200, '', 403]);
  });

  it.each([
    ['a document that is wrong', { manifests: [service('web', { slector: {} })] }, 400, '/spec/slector'],
    ['a deletion of nothing', { deletes: [{ kind: 'Service', namespace: 'shop', name: 'nothing' }] }, 404, undefined],
    ['a rollback with documents', { manifests: [service('web')], rollback: { change: 'c-1' } }, 400, '/rollback'],
    ['a request without its host', { requests: [{ host: 'a' }, { path: '/' }] }, 400, '/requests/1/host'],
    ['a rollback to nowhere', { rollback: {} }, 400, '/rollback'],
  ])('refuses %s', async (_, body, status, path) => {
    const answer = await server.call('POST', `${MESH}/plan`, body);
    expect([answer.status, answer.body.violations?.[0].path]).toEqual([status, path]);
  });
});

describe('a change that would make a query throw', () => {
  const limits = (name: string, ...n: readonly number[]) => ({
    apiVersion: 'heddle.dev/v1alpha1',
    kind: 'FragilePolicy',
    metadata: { name, namespace: 'shop' },
    spec: { targetRef: { kind: 'Service', name: 'orders' }, limits: n.map((value) => ({ n: value })) },
  });

  it.each(['plan', 'apply'])('is refused by %s, naming the resource and the field', async (verb) => {
    const manifests = [limits('fine', 1), limits('bad', 3, 11), service('also')];
    const { status, body } = await server.call('POST', `${MESH}/${verb}`, { manifests });
    expect([status, body.violations]).toEqual([
      400,
      [
        expect.objectContaining({
          code: 'does-not-compile',
          path: '/spec/limits/1',
          resource: expect.objectContaining({ name: 'bad' }),
          document: 1,
        }),
      ],
    ]);
    expect(body.violations[0].message).toContain('11 is more than 10');
    expect((await server.call('GET', `${MESH}/namespaces/shop/services/also`)).status).toBe(404);
  });

  it('names each of several that are to blame, and none of the many that are not', async () => {
    const fine = Array.from({ length: 40 }, (_, i) => service(`many-${i}`));
    const manifests = [...fine.slice(0, 20), limits('bad-1', 12), ...fine.slice(20), limits('bad-2', 1, 2, 13)];
    const { body } = await server.call('POST', `${MESH}/plan`, { manifests });
    expect(body.violations.map((v: { resource: { name: string }; path: string }) => [v.resource.name, v.path])).toEqual(
      [
        ['bad-1', '/spec/limits/0'],
        ['bad-2', '/spec/limits/2'],
      ],
    );
  });

  it('is refused by PUT too, and one that mends it is not', async () => {
    const put = (n: number) => server.call('PUT', `${MESH}/namespaces/shop/fragilepolicies/one`, limits('one', n));
    expect([(await put(12)).status, (await put(2)).status]).toEqual([400, 201]);
  });
});

describe('apply --plan', () => {
  it('does exactly what was planned', async () => {
    const plan = await server.plan({ manifests: [timeout('carts', '3s')], message: 'for the carts' });
    const { status, body } = await server.applyPlan(plan);
    expect([status, body.items, body.moved]).toEqual([
      200,
      [expect.objectContaining({ op: 'created', name: 'carts', version: 1 })],
      undefined,
    ]);
    const { body: history } = await server.call('GET', `${MESH}/history?limit=1`);
    expect(history.items[0]).toMatchObject({ change: body.change, actor: 'alice', message: 'for the carts' });
  });

  it('REL-39: sent again with its key, it is answered as before', async () => {
    const plan = await server.plan({ manifests: [service('keyed')] });
    const first = await server.applyPlan(plan, { key: 'k-1' });
    const second = await server.applyPlan(plan, { key: 'k-1' });
    expect([first.status, second.status, second.body.change]).toEqual([200, 200, first.body.change]);
    expect((await server.applyPlan(plan)).status).toBe(409);
  });

  const bob = () => server.tokenOf('bob', 'operator');

  it.each([
    ['what it writes', () => timeout('orders', '9s'), 'TimeoutPolicy shop/orders'],
    ['what wins over it', () => timeout('another', '4s', 'orders'), 'TimeoutPolicy shop/another'],
    [
      'the service that it is for',
      () => service('orders', { ports: [{ name: 'http', port: 8081 }] }),
      'Service shop/orders',
    ],
  ])('is refused when %s has changed meanwhile, and says by whom', async (_, meanwhile, name) => {
    const plan = await server.plan({ manifests: [timeout('orders', '5s')] });
    const body = { manifests: [meanwhile()], message: 'meanwhile' };
    const other = await server.call('POST', `${MESH}/apply`, body, { token: await bob() });
    const refused = await server.applyPlan(plan);
    expect([refused.status, refused.body.type]).toEqual([409, 'urn:heddle:problem:plan-stale']);
    expect(
      refused.body.violations.map((v: { resource: Parameters<typeof printId>[0] }) => printId(v.resource)),
    ).toEqual([name]);
    expect(refused.body.violations[0].message).toBe(`changed by bob in ${other.body.change} (meanwhile)`);
  });

  it('goes on when something else has changed', async () => {
    const plan = await server.plan({ manifests: [timeout('orders', '6s')] });
    await server.apply(service('unrelated'), timeout('carts', '7s'));
    expect((await server.applyPlan(plan)).status).toBe(200);
  });

  it('is refused when the winner that it was planned with is gone', async () => {
    await server.apply(service('parts'), timeout('winner', '1s', 'parts'));
    const plan = await server.plan({ manifests: [timeout('late', '2s', 'parts')] });
    expect([plan.envoy.changed, plan.findings[0]?.code]).toEqual([0, 'no-effect']);
    await server.call('DELETE', `${MESH}/namespaces/shop/timeoutpolicies/winner`);
    const { status, body } = await server.applyPlan(plan);
    expect([status, body.violations[0].resource.name]).toEqual([409, 'winner']);
  });

  it('evaluates moves of the runtime again and reports them', async () => {
    const plan = await server.plan({ manifests: [timeout('orders', '7s')] });
    await server.join('web-7');
    const { status, body } = await server.applyPlan(plan);
    expect([status, body.moved.proxies]).toEqual([200, { planned: 2, now: 3 }]);
  });

  it('is refused a day later, and for a plan that there is not', async () => {
    const plan = await server.plan({ manifests: [service('tomorrow')] });
    await server.sql(`UPDATE plan SET expires_at = now() - interval '1 second' WHERE id = '${plan.id}'`);
    const late = await server.applyPlan(plan);
    expect([late.status, late.body.type]).toEqual([409, 'urn:heddle:problem:plan-expired']);
    expect((await server.applyPlan({ id: 'p-nothing' })).status).toBe(404);
    expect(
      (await server.call('POST', '/api/v1/meshes/default/apply', { plan: plan.id, manifests: [service('x')] })).status,
    ).toBe(400);
  });

  it('decides once though many apply it at once', async () => {
    const plan = await server.plan({ manifests: [service('once')] });
    const answers = await Promise.all([1, 2, 3, 4].map(() => server.applyPlan(plan)));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409, 409, 409]);
  });

  it('and unrelated writes at the same time do not stand in its way', async () => {
    const plans = await Promise.all([1, 2, 3].map((i) => server.plan({ manifests: [service(`busy-${i}`)] })));
    const answers = await Promise.all(plans.map((plan) => server.applyPlan(plan)));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
  });
});
