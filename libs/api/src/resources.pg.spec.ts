import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MeshGraph } from '#libs/compiler';
import { createTestDatabase, type TestDatabase } from '../../testing/src/postgres/index.js';
import { type ServedApi, serveApi } from '../testing/served-api.js';

const service = (name: string, spec: Record<string, unknown> = {}, namespace = 'shop') => ({
  apiVersion: 'heddle.dev/v1alpha1',
  kind: 'Service',
  metadata: { name, namespace },
  spec: { ports: [{ name: 'http', port: 80, protocol: 'http' }], ...spec },
});
const MESH = '/api/v1/meshes/default';
const SERVICES = `${MESH}/namespaces/shop/services`;

let database: TestDatabase;
let api: ServedApi;

beforeAll(async () => {
  database = await createTestDatabase();
  const graph = new MeshGraph({ mesh: 'default', policies: [] });
  graph.pass();
  const slice = () => ({ exhausted: () => false });
  const revisions = { configRevision: 0, runtimeRevision: 0 };
  const live = () => Promise.resolve({ graph, ...revisions, slice, usersOf: () => [], isConnected: () => true });
  api = await serveApi(database.url, { live });
});
afterAll(async () => {
  await api?.stop();
  await database?.drop();
});

describe('one resource', () => {
  it('is created, read, replaced and deleted, with its version as ETag', async () => {
    const created = await api.call('PUT', `${SERVICES}/orders`, {
      body: service('orders', { dependencies: ['nowhere'] }),
    });
    expect(created.body).toMatchObject({
      kind: 'Service',
      metadata: { name: 'orders', namespace: 'shop', version: 1 },
    });
    expect([created.status, created.headers.get('etag')]).toEqual([201, '"1"']);
    expect(created.body.status).toMatchObject({
      change: `c-${created.body.metadata.revision}`,
      warnings: [{ code: 'backend-not-found' }],
    });

    const read = await api.call('GET', `${SERVICES}/orders`);
    expect(read.body.metadata).toEqual(created.body.metadata);
    expect(read.body.status.conditions).toHaveLength(1);
    expect((await api.call('GET', `${SERVICES}/orders`, { headers: { 'if-none-match': '"1"' } })).status).toBe(304);

    // What was read can be written back: status, uid and version are not taken for a change.
    const same = await api.call('PUT', `${SERVICES}/orders`, { body: read.body });
    expect([same.status, same.headers.get('etag'), same.body.status.change]).toEqual([200, '"1"', '']);

    const gone = await api.call('DELETE', `${SERVICES}/orders`, { headers: { 'if-match': '"1"' } });
    expect([gone.status, gone.body.items[0].op]).toEqual([200, 'deleted']);
    expect((await api.call('GET', `${SERVICES}/orders`)).status).toBe(404);
    expect((await api.call('DELETE', `${SERVICES}/orders`)).status).toBe(404);
  });

  it('is not overwritten by somebody who saw an older version', async () => {
    await api.call('PUT', `${SERVICES}/etag`, { body: service('etag') });
    const put = (headers: Record<string, string>, port: number) =>
      api.call('PUT', `${SERVICES}/etag`, {
        headers,
        body: service('etag', { ports: [{ name: 'http', port, protocol: 'http' }] }),
      });
    expect((await put({ 'if-match': '"1"' }, 81)).headers.get('etag')).toBe('"2"');
    const late = await put({ 'if-match': '"1"' }, 82);
    expect([late.status, late.headers.get('etag'), late.body.type]).toEqual([
      412,
      '"2"',
      'urn:heddle:problem:version-conflict',
    ]);
    expect((await put({ 'if-none-match': '*' }, 82)).status).toBe(412);
    expect((await put({ 'if-match': 'W/"2"' }, 82)).status).toBe(412);
    expect((await put({ 'if-match': '"2"', 'if-none-match': '*' }, 82)).status).toBe(400);
    expect((await api.call('DELETE', `${SERVICES}/etag`, { headers: { 'if-match': '"1"' } })).status).toBe(412);
  });

  it('is patched by JSON merge patch', async () => {
    await api.call('PUT', `${SERVICES}/patched`, { body: service('patched', { hostnames: ['patched.test'] }) });
    const patch = { metadata: { labels: { team: 'a' } }, spec: { hostnames: null } };
    const patched = await api.call('PATCH', `${SERVICES}/patched`, { body: patch });
    expect([patched.status, patched.headers.get('etag')]).toEqual([200, '"2"']);
    expect(patched.body).toMatchObject({ metadata: { labels: { team: 'a' } }, spec: { ports: [{ port: 80 }] } });
    expect(patched.body.spec.hostnames).toBeUndefined();
    const moved = await api.call('PATCH', `${SERVICES}/patched`, { body: { metadata: { name: 'other' } } });
    expect([moved.status, moved.body.violations[0].path]).toEqual([400, '/metadata/name']);
    expect((await api.call('PATCH', `${SERVICES}/absent`, { body: patch })).status).toBe(404);
    const asJson = await api.call('PATCH', `${SERVICES}/patched`, {
      body: patch,
      headers: { 'content-type': 'application/json' },
    });
    expect([asJson.status, asJson.headers.get('accept-patch')]).toEqual([415, 'application/merge-patch+json']);
  });

  it('must be the one that its address names; what it leaves out is filled in', async () => {
    const wrong = await api.call('PUT', `${SERVICES}/one`, { body: service('two', {}, 'other') });
    expect(wrong.body.violations.map((v: { path: string }) => v.path)).toEqual([
      '/metadata/namespace',
      '/metadata/name',
    ]);
    const { apiVersion, spec } = service('one');
    expect((await api.call('PUT', `${SERVICES}/one`, { body: { apiVersion, spec } })).status).toBe(201);
  });
});

describe('lists', () => {
  it('come in pages, by namespace or over all, selected by labels', async () => {
    for (const [name, namespace] of [
      ['a', 'lists'],
      ['b', 'lists'],
      ['c', 'lists'],
      ['d', 'elsewhere'],
    ] as const) {
      const document = service(name, {}, namespace);
      const labelled = {
        ...document,
        metadata: { ...document.metadata, labels: { tier: name === 'b' ? 'x' : 'y', list: 'yes' } },
      };
      await api.call('PUT', `${MESH}/namespaces/${namespace}/services/${name}`, { body: labelled });
    }
    const names = (answer: { body: { items: { metadata: { name: string } }[] } }) =>
      answer.body.items.map((i) => i.metadata.name);
    const first = await api.call('GET', `${MESH}/namespaces/lists/services?limit=2`);
    expect(names(first)).toHaveLength(2);
    const second = await api.call(
      'GET',
      `${MESH}/namespaces/lists/services?limit=2&cursor=${encodeURIComponent(first.body.cursor)}`,
    );
    expect([...names(first), ...names(second)].sort()).toEqual(['a', 'b', 'c']);
    expect(second.body.cursor).toBeUndefined();
    expect(names(await api.call('GET', `${MESH}/services?labelSelector=list=yes,tier=y`)).sort()).toEqual([
      'a',
      'c',
      'd',
    ]);
  });

  it.each([
    'limit=0',
    'limit=501',
    'limit=x',
    'limit=1&limit=2',
    'labelSelector=%3D',
    'labelSelector=a%5Bb%5D=c',
    'sort=name',
    'cursor=%00',
  ])('SEC-38: refuse the query %s', async (query) => {
    const answer = await api.call('GET', `${SERVICES}?${query}`);
    expect([answer.status, answer.body.type]).toEqual([400, 'urn:heddle:problem:invalid-query']);
  });
});

describe('the list of meshes', () => {
  it('comes in pages and by labels like every list', async () => {
    for (const name of ['list-a', 'list-b', 'list-c']) {
      const labels = { list: name === 'list-b' ? 'odd' : 'even' };
      const document = { apiVersion: 'heddle.dev/v1alpha1', kind: 'Mesh', metadata: { name, labels }, spec: {} };
      expect((await api.call('PUT', `/api/v1/meshes/${name}`, { body: document })).status).toBe(201);
    }
    const page = async (query: string) => {
      const { body } = await api.call('GET', `/api/v1/meshes?${query}`);
      return [body.items.map((one: { metadata: { name: string } }) => one.metadata.name), body.cursor];
    };
    expect(await page('labelSelector=list%3Deven&limit=1')).toEqual([['list-a'], 'list-a']);
    expect(await page('labelSelector=list%3Deven&limit=1&cursor=list-a')).toEqual([['list-c'], undefined]);
    expect((await api.call('GET', '/api/v1/meshes?limit=0')).status).toBe(400);
  });
});

describe('apply', () => {
  it('stores all of many, in one change', async () => {
    const manifests = [service('bulk-1', { dependencies: ['nowhere'] }), service('bulk-2', {}, 'other')];
    const rehearsed = await api.call('POST', `${MESH}/apply`, { body: { manifests, dryRun: true } });
    expect(rehearsed.body.items.map((i: { op: string }) => i.op)).toEqual(['created', 'created']);
    expect((await api.call('GET', `${SERVICES}/bulk-1`)).status).toBe(404);
    const applied = await api.call('POST', `${MESH}/apply`, { body: { manifests, message: 'two at once' } });
    expect([applied.status, applied.body.items.length, applied.body.warnings[0].resource.kind]).toEqual([
      200,
      2,
      'Service',
    ]);
    const history = await api.call('GET', `${MESH}/history?limit=1`);
    expect(history.body.items).toMatchObject([
      { change: applied.body.change, actor: 'test-admin', message: 'two at once' },
    ]);
    const progress = await api.call('GET', `${MESH}/changes/${applied.body.change}`);
    expect(progress.body).toMatchObject({ revision: applied.body.revision });
    expect((await api.call('GET', `${MESH}/changes/c-999999`)).status).toBe(404);
  });

  it('stores nothing and names every violation of every document when one is bad', async () => {
    const manifests = [
      service('fine'),
      service('bad', { prots: [], ports: [{ name: 'http', port: 70_000, protocol: 'http' }] }),
      { ...service('what'), kind: 'Sevrice' },
      service('fine'),
    ];
    const answer = await api.call('POST', `${MESH}/apply`, { body: { manifests } });
    expect([answer.status, answer.headers.get('content-type')]).toEqual([
      400,
      'application/problem+json; charset=utf-8',
    ]);
    const found = answer.body.violations.map((v: { document: number; path: string }) => `${v.document} ${v.path}`);
    expect(found).toEqual(
      expect.arrayContaining(['1 /spec/prots', '1 /spec/ports/0/port', '2 /kind', '3 /metadata/name']),
    );
    expect(answer.body.violations[0].resource).toEqual({ kind: 'Service', namespace: 'shop', name: 'bad' });
    expect((await api.call('GET', `${SERVICES}/fine`)).status).toBe(404);
  });

  it('refuses one host name for two services, within a request and against the store', async () => {
    const hostnames = ['pay.shop.test'];
    const both = [service('pay-1', { hostnames }), service('pay-2', { hostnames })];
    const together = await api.call('POST', `${MESH}/apply`, { body: { manifests: both } });
    expect(together.body.violations).toMatchObject([
      { document: 1, path: '/spec/hostnames/0', code: 'hostname-taken' },
    ]);
    await api.call('POST', `${MESH}/apply`, { body: { manifests: both.slice(0, 1) } });
    const later = await api.call('POST', `${MESH}/apply`, { body: { manifests: both.slice(1) } });
    expect([later.status, later.body.violations[0].path]).toEqual([400, '/spec/hostnames/0']);
    expect(later.body.detail).toContain('pay-1');
  });

  it('REL-39: does a request with one Idempotency-Key once', async () => {
    const headers = { 'idempotency-key': 'once' };
    const body = { manifests: [service('once')] };
    const first = await api.call('POST', `${MESH}/apply`, { body, headers });
    const again = await api.call('POST', `${MESH}/apply`, { body, headers });
    expect(again.body).toMatchObject({ change: first.body.change, items: first.body.items });
    const other = await api.call('POST', `${MESH}/apply`, { body: { manifests: [service('twice')] }, headers });
    expect([other.status, other.body.type]).toEqual([422, 'urn:heddle:problem:idempotency-mismatch']);

    const patch = { body: { metadata: { labels: { n: '1' } } }, headers: { 'idempotency-key': 'patch' } };
    expect((await api.call('PATCH', `${SERVICES}/once`, patch)).headers.get('etag')).toBe('"2"');
    const repeated = await api.call('PATCH', `${SERVICES}/once`, patch);
    expect([repeated.status, repeated.headers.get('etag')]).toEqual([200, '"2"']);
  });

  it('makes a mesh together with what is in it, and a mesh goes when it is empty', async () => {
    const mesh = { apiVersion: 'heddle.dev/v1alpha1', kind: 'Mesh', metadata: { name: 'second' }, spec: {} };
    expect(
      (await api.call('POST', '/api/v1/meshes/second/apply', { body: { manifests: [service('x')] } })).status,
    ).toBe(404);
    const made = await api.call('POST', '/api/v1/meshes/second/apply', { body: { manifests: [mesh, service('x')] } });
    expect(made.status).toBe(200);
    expect(
      (await api.call('GET', '/api/v1/meshes')).body.items.map((m: { metadata: { name: string } }) => m.metadata.name),
    ).toContain('second');
    expect((await api.call('POST', `${MESH}/apply`, { body: { manifests: [mesh] } })).body.violations[0].code).toBe(
      'mesh-mismatch',
    );
    expect((await api.call('DELETE', '/api/v1/meshes/second')).status).toBe(409);
    await api.call('DELETE', '/api/v1/meshes/second/namespaces/shop/services/x');
    expect((await api.call('DELETE', '/api/v1/meshes/second')).status).toBe(200);
  });
});
