import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { OtlpReceiver, type ReceivedSpan } from '../../libs/testing/src/otlp/index.js';
import { type Member, Mesh, sendRaw } from './mesh.js';

const SERVICES = ['web', 'orders']
  .map(
    (name) => `
apiVersion: heddle.dev/v1alpha1
kind: Service
metadata: { name: ${name}, namespace: shop }
spec: { selector: { matchLabels: { app: ${name} } }, ports: [{ name: http, port: 8080, protocol: http }] }
`,
  )
  .concat(`
apiVersion: heddle.dev/v1alpha1
kind: Telemetry
metadata: { name: tags, namespace: shop }
spec: { metrics: { tags: [{ name: team, literal: shopping }] } }
`)
  .join('---');
const timeout = (request: string): object => ({
  apiVersion: 'heddle.dev/v1alpha1',
  kind: 'TimeoutPolicy',
  metadata: { name: 'orders', namespace: 'shop', annotations: { note: 'hunter2' } },
  spec: { targetRef: { kind: 'Service', name: 'orders' }, request },
});
const [TRACE, CALLER] = ['c'.repeat(32), 'd'.repeat(16)];

let receiver: OtlpReceiver;
let mesh: Mesh;
let web: Member;
let dir: string;

beforeAll(async () => {
  receiver = await OtlpReceiver.start();
  dir = mkdtempSync(join(tmpdir(), 'heddle-otlp-'));
  writeFileSync(join(dir, 'headers'), 'Authorization: Bearer of-the-collector\n');
  mesh = await Mesh.start({
    OTEL_EXPORTER_OTLP_ENDPOINT: receiver.httpUrl,
    OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=test',
    HEDDLE_OBSERVABILITY_OTLP_HEADERS_FILE: join(dir, 'headers'),
    HEDDLE_OBSERVABILITY_OTLP_METRIC_SECONDS: '1',
  });
  web = await mesh.join('web', 31);
  await mesh.join('orders', 32);
  await mesh.apply(SERVICES);
});
afterAll(async () => {
  await mesh?.stop();
  await receiver?.close();
  rmSync(dir, { recursive: true, force: true });
});

/** Spans of the trace as a tree, children by name: `POST ...(change apply(...))`. */
function tree(spans: readonly ReceivedSpan[], parent: string): string {
  const children = spans
    .filter((span) => span.parent === parent)
    .map((span) => `${span.name}${tree(spans, span.spanId)}`)
    .sort();
  return children.length === 0 ? '' : `(${children.join(', ')})`;
}
const ofTrace = (): ReceivedSpan[] => receiver.spans.filter(({ traceId }) => traceId === TRACE);
const named = (name: string): ReceivedSpan | undefined => ofTrace().find((span) => span.name === name);

describe('a write, traced', () => {
  it('goes on with the trace of its caller, from the request to the ACK of every Envoy', async () => {
    const { controlPlane } = mesh;
    const answer = await fetch(`${controlPlane.url}/api/v1/meshes/default/apply?unused=hunter2`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'x-secret': 'hunter2',
        authorization: `Bearer ${controlPlane.token}`,
        traceparent: `00-${TRACE}-${CALLER}-01`,
      },
      body: JSON.stringify({ manifests: [timeout('7s')], message: 'hunter2' }),
    });
    const { change, revision } = (await answer.json()) as { change: string; revision: number };
    await mesh.delivered(change);
    await expect.poll(() => named('change deliver')).toBeDefined();
    await expect.poll(() => named('POST /api/v1/meshes/:mesh/apply')).toBeDefined();
    expect(tree(ofTrace(), CALLER)).toBe(
      '(POST /api/v1/meshes/:mesh/apply(change apply(' +
        'change commit(change read(change compile(change deliver))), change evaluate)))',
    );
    const request = named('POST /api/v1/meshes/:mesh/apply');
    expect(request).toMatchObject({
      kind: 2,
      values: {
        ...{ 'http.request.method': 'POST', 'http.route': '/api/v1/meshes/:mesh/apply' },
        ...{ 'http.response.status_code': 200, 'heddle.request_id': answer.headers.get('x-request-id') },
        ...{ 'heddle.mesh': 'default', 'heddle.change': change, 'heddle.revision': revision },
      },
      resource: { 'service.name': 'heddle', 'service.instance.id': 'demo', 'deployment.environment.name': 'test' },
    });
    expect(answer.headers.get('traceparent')).toBe(`00-${TRACE}-${request?.spanId}-01`);
    expect(named('change commit')).toMatchObject({ kind: 3, values: { 'db.system.name': 'postgresql' } });
    expect(named('change compile')?.values).toMatchObject({
      ...{ 'heddle.revision': revision, 'heddle.replica': 'demo', 'heddle.resource_types': ['RDS'] },
      'heddle.queries': expect.any(Number),
    });
    expect(named('change deliver')?.values).toMatchObject({
      ...{ 'heddle.revision': revision, 'heddle.replica': 'demo', 'heddle.mesh': 'default' },
      ...{ 'heddle.proxies': 2, 'heddle.proxies.acked': 2, 'heddle.proxies.behind': 0, 'heddle.proxies.refusing': 0 },
    });
    for (const { start, end } of ofTrace()) expect(end).toBeGreaterThanOrEqual(start);
  });

  it('that is refused says by which code', async () => {
    const trace = 'e'.repeat(32);
    const answer = await fetch(`${mesh.controlPlane.url}/api/v1/meshes/default/apply`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        authorization: `Bearer ${mesh.controlPlane.token}`,
        traceparent: `00-${trace}-${CALLER}-01`,
      },
      body: JSON.stringify({ manifests: [timeout('no time')] }),
    });
    expect(answer.status).toBe(400);
    const refused = () => receiver.spans.filter(({ traceId }) => traceId === trace);
    await expect
      .poll(() =>
        refused()
          .map(({ name }) => name)
          .sort(),
      )
      .toEqual(['POST /api/v1/meshes/:mesh/apply', 'change apply']);
    expect(refused().map(({ values }) => values['heddle.refused'])).toEqual(['invalid', 'invalid']);
  });

  it('certificates and jobs have traces of their own, probes and scrapes have none', async () => {
    await expect.poll(() => receiver.spans.map(({ name }) => name)).toContain('certificate issue');
    await expect.poll(() => receiver.spans.map(({ name }) => name)).toContain('job alerts');
    const names = receiver.spans.map(({ name }) => name);
    expect(names.filter((name) => /livez|readyz|metrics/.test(name))).toEqual([]);
    for (const span of receiver.spans) {
      if (/^(certificate|job) /.test(span.name)) expect(span.parent).toBe('');
    }
  });
});

describe('whoever outgrows the built-in store', () => {
  it('is sent the metrics of Heddle, those of the mesh, and requests that failed', async () => {
    const call = (path: string) => sendRaw(web, { path, host: 'orders.shop:8080', headers: ['x-secret: hunter2'] });
    expect((await call('/fine?secret=hunter2')).status).toBe(200);
    expect((await sendRaw(web, { path: '/lost?secret=hunter2', host: 'nobody.shop:8080' })).status).toBe(404);
    const total = (metric: string, outcome: string): number =>
      Math.max(
        0,
        ...receiver.points
          .filter((point) => point.metric === metric && point.values['heddle.outcome'] === outcome)
          .map(({ value }) => value),
      );
    await expect.poll(() => receiver.points.some(({ metric }) => metric === 'xds_streams')).toBe(true);
    await expect.poll(() => total('heddle.mesh.requests', 'ok')).toBeGreaterThanOrEqual(1);
    await expect.poll(() => total('heddle.mesh.requests', 'no_route')).toBeGreaterThanOrEqual(1);
    await expect.poll(() => receiver.points.some(({ metric }) => metric === 'heddle.mesh.request.duration')).toBe(true);
    const tagged = { 'heddle.caller.tag.team': 'shopping', 'heddle.callee.tag.team': 'shopping' };
    const calls = receiver.points.filter(({ values }) => values['heddle.callee'] === 'shop/orders/8080');
    expect(calls.map(({ values }) => values)).toContainEqual(expect.objectContaining(tagged));
    await expect.poll(() => receiver.records.map(({ values }) => values['url.path'])).toContain('/lost');
    const record = receiver.records.find(({ values }) => values['url.path'] === '/lost');
    expect(record).toMatchObject({
      event: 'heddle.mesh.failure',
      values: { 'heddle.caller': 'shop/web', 'heddle.outcome': 'no_route', 'http.response.status_code': 404 },
      resource: { 'service.instance.id': 'demo.collector' },
    });
  });

  it('sees the work of the collector and what it sent among the rest', async () => {
    await expect
      .poll(() => receiver.spans.find(({ name }) => name === 'job patterns'))
      .toMatchObject({
        ...{ parent: '', values: { 'heddle.mesh': 'default' }, resource: { 'service.instance.id': 'demo.collector' } },
      });
    const { url, token } = mesh.controlPlane;
    const exposition = async (): Promise<string> =>
      (await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${token}` } })).text();
    await expect.poll(exposition).toMatch(/heddle_otlp_exported_total\{signal="logs"\} [1-9]/);
    expect(await exposition()).not.toMatch(/heddle_otlp_dropped_total\{.*\} [1-9]/);
  });

  it('SEC-24 no token, header, query value or content of a manifest leaves by it', () => {
    const sent = Buffer.concat(receiver.received.map(({ bytes }) => bytes)).toString('latin1');
    expect(sent).toContain('change apply');
    for (const secret of ['hunter2', mesh.controlPlane.token, 'of-the-collector', 'PRIVATE KEY', 'Bearer'])
      expect(sent.includes(secret), secret.slice(0, 10)).toBe(false);
    expect(new Set(receiver.received.map(({ headers }) => headers['authorization']))).toEqual(
      new Set(['Bearer of-the-collector']),
    );
  });
});
