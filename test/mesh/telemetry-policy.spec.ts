import 'reflect-metadata';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MESH, NAMESPACE, OUTBOUND_HTTP_PORT } from '../../apps/demo/src/topology.js';
import { type Answer, exchange, type Member, Mesh, untilStatus } from './mesh.js';
import { type Export, otlpReceiver } from './otlp-receiver.js';

const SERVICES = ['front', 'back']
  .map(
    (name) => `
apiVersion: heddle.dev/v1alpha1
kind: Service
metadata: { name: ${name}, namespace: shop }
spec:
  ports: [{ name: http, port: 8080, protocol: http }]
---`,
  )
  .join('');

const COLLECTOR = `
apiVersion: heddle.dev/v1alpha1
kind: Service
metadata: { name: collector, namespace: shop }
spec:
  ports: [{ name: grpc, port: 4317, protocol: grpc }, { name: http, port: 4318, protocol: http }]
---`;

const policy = (name: string, spec: object): string =>
  JSON.stringify({ apiVersion: 'heddle.dev/v1alpha1', kind: 'Telemetry', metadata: { name, namespace: 'shop' }, spec });

const to = (port: number): object => ({ otlp: { backendRef: { kind: 'Service', name: 'collector', port } } });

/** What `back` writes. */
const files = (directory: string): string =>
  policy('files', {
    targetRef: { kind: 'Service', name: 'back' },
    accessLogs: [
      {
        file: { path: join(directory, 'some.log') },
        format: { text: '%REQ(:METHOD)% %REQ_WITHOUT_QUERY(:PATH)%' },
        filter: { cel: "request.path.startsWith('/v1')" },
      },
      { file: { path: join(directory, 'all.log') }, direction: 'Inbound' },
      { file: { path: join(directory, 'never.log') }, direction: 'Outbound' },
    ],
  });

const SPANS = policy('spans', {
  targetRef: { kind: 'Mesh', name: MESH },
  tracing: { ...to(4317), samplingPercentage: 100, tags: [{ name: 'stage', literal: 'staging' }] },
  accessLogs: [{ ...to(4317), format: { json: { where: '%REQ(:PATH)%' } } }],
});

describe.each(['1.36.4', '1.40.0'])('Telemetry with Envoy %s', (version) => {
  let mesh: Mesh;
  let front: Member;
  let logs: string;
  const exports: Export[] = [];

  beforeAll(async () => {
    logs = mkdtempSync('/var/log/heddle-test-');
    mesh = await Mesh.start();
    front = await mesh.join('front', 1, { version });
    await mesh.join('back', 2, { version });
    await mesh.join('collector', 3, {
      version,
      ports: { grpc: 4317, http: 4318 },
      application: () => otlpReceiver(exports),
    });
    // Before any request: connections that exist keep what they were opened with until the listener has drained.
    await mesh.apply([SERVICES, COLLECTOR, files(logs), '---', SPANS].join('\n'));
    await untilStatus(200, () => get('/v2/orders?token=secret'));
  });
  afterAll(async () => {
    await mesh?.stop();
    rmSync(logs, { recursive: true, force: true });
  });

  /** At the shared port, or, of an Envoy that has none, at the service's own address. */
  const get = async (path: string, headers: string[] = []): Promise<Answer> => {
    const own = await front.sidecar.listenerAddress('outbound/shop/back/8080');
    const [host = front.sidecar.plan.outbound, port = OUTBOUND_HTTP_PORT] = own?.split(':') ?? [];
    const head = [`GET ${path} HTTP/1.1`, 'Host: back', 'Connection: close', ...headers];
    return exchange(connect(Number(port), host), head);
  };
  const told = (service: string, of: Export): boolean => of.message.includes(service);
  const condition = async (name: string, type: string): Promise<unknown> => {
    const path = `/api/v1/meshes/${MESH}/namespaces/${NAMESPACE}/telemetries/${name}`;
    const { status } = await mesh.controlPlane.request<{ status: { conditions: { type: string }[] } }>('GET', path);
    return status.conditions.find((one) => one.type === type);
  };

  it('writes what a filter in CEL lets through, at the ends that are asked for, and no query by default', async () => {
    await untilStatus(200, () => get('/v1/orders?token=secret', ['cookie: secret']));
    const textOf = (file: string): string => {
      const path = join(logs, file);
      return existsSync(path) ? readFileSync(path, 'utf8') : '';
    };
    const linesOf = (file: string): string[] => textOf(file).split('\n').slice(0, -1);
    await expect.poll(() => linesOf('all.log').length, { timeout: 30_000 }).toBeGreaterThan(1);
    await expect.poll(() => linesOf('some.log'), { timeout: 30_000 }).toEqual(['GET /v1/orders']);
    const written = linesOf('all.log').map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(written.map(({ path }) => path)).toEqual(['/v2/orders', '/v1/orders']);
    expect(written[0]).toMatchObject({
      method: 'GET',
      authority: 'back',
      response_code: 200,
      downstream_identity: `spiffe://${MESH}.heddle.local/shop/front`,
    });
    expect(textOf('all.log')).not.toContain('secret');
    expect(linesOf('never.log')).toEqual([]);
  });

  it('sends spans of both ends as one trace, over gRPC, and log records, all by the name of the workload', async () => {
    const trace = '4bf92f3577b34da6a3ce929d0e0e4736';
    await untilStatus(200, () => get('/traced', [`traceparent: 00-${trace}-00f067aa0ba902b7-01`]));
    const spans = (): Export[] => exports.filter(({ path }) => path.endsWith('TraceService/Export'));
    const inTrace = (service: string): boolean =>
      spans().some((of) => told(service, of) && of.message.includes(Buffer.from(trace, 'hex')));
    await expect.poll(() => [inTrace('front'), inTrace('back')], { timeout: 60_000 }).toEqual([true, true]);
    expect(spans().every((of) => told('staging', of))).toBe(true);
    const records = (): Export[] => exports.filter(({ path }) => path.endsWith('LogsService/Export'));
    await expect
      .poll(() => records().some((of) => told('front', of) && told('/traced', of)), {
        timeout: 60_000,
      })
      .toBe(true);
    // The collector's own sidecar tells nothing of being told.
    expect(exports.some(({ message }) => message.includes('TraceService'))).toBe(false);
  });

  it('says which backend is not there, and everything goes on', async () => {
    await mesh.apply(
      policy('lost', {
        targetRef: { kind: 'Workload', name: 'front' },
        sampleOneIn: 1,
        tracing: { otlp: { backendRef: { kind: 'Service', name: 'nobody', port: 4317 } } },
      }),
    );
    expect(await condition('lost', 'Accepted')).toMatchObject({
      status: 'False',
      reason: 'BackendNotFound',
      details: [{ path: '/spec/tracing/otlp/backendRef' }],
    });
    await untilStatus(200, () => get('/'));
  });
});
