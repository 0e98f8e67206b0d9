import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { OtlpReceiver } from '../../../libs/testing/src/otlp/index.js';
import { createTestDatabase, type TestDatabase } from '../../../libs/testing/src/postgres/index.js';
import { EXIT } from './start-error.js';
import { Launchpad, type Run, ready } from './testing/process.js';

const REPLICAS = ['a', 'b'];
const CALLER = '1'.repeat(16);

describe('replicas with an OpenTelemetry collector', () => {
  let receiver: OtlpReceiver;
  let database: TestDatabase;
  let token: string;
  const pads = REPLICAS.map(() => new Launchpad());
  const urls: string[] = [];

  beforeAll(async () => {
    receiver = await OtlpReceiver.start();
    database = await createTestDatabase();
    for (const [index, replica] of REPLICAS.entries()) {
      const run = pads[index]?.launch(
        ...['--database-url', database.url, '--replica', replica, '--key-file', join(pads[0]?.parent ?? '', 'key')],
        ...['--telemetry-collector', 'off', '--observability-otlp-endpoint', receiver.grpcUrl],
        ...['--observability-otlp-protocol', 'grpc', '--observability-otlp-metric-seconds', '1'],
      );
      urls.push(await ready(run as Run));
    }
    const once = readFileSync(join(pads[0]?.dataDir ?? '', 'admin-token'), 'utf8').trim();
    const answer = await send(urls[0] ?? '', '/api/v1/login/exchange', { token: once, name: 'tester' });
    ({ token } = (await answer.json()) as { token: string });
  });
  afterAll(async () => {
    await Promise.all(pads.map((pad) => pad.cleanUp()));
    await database?.drop();
    await receiver?.close();
  });

  const send = (url: string, path: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> =>
    fetch(`${url}${path}`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...(token ? { authorization: `Bearer ${token}` } : {}),
        ...headers,
      },
      body: JSON.stringify(body),
    });
  const service = (name: string): object => ({
    apiVersion: 'heddle.dev/v1alpha1',
    kind: 'Service',
    metadata: { name, namespace: 'shop' },
    spec: { selector: { matchLabels: { app: name } }, ports: [{ name: 'http', port: 8080, protocol: 'http' }] },
  });
  const write = (replica: number, name: string, trace: string): Promise<Response> =>
    send(
      urls[replica] ?? '',
      '/api/v1/meshes/default/apply',
      { manifests: [service(name)] },
      { traceparent: `00-${trace}-${CALLER}-01` },
    );
  /** Who did it, by the names of the spans of a trace. */
  const doers = (trace: string): string[] =>
    receiver.spans
      .filter(({ traceId }) => traceId === trace)
      .map(({ name, resource }) => `${name}: ${String(resource['service.instance.id'])}`)
      .sort();

  it.each([
    [0, 'a'],
    [1, 'b'],
  ])('one change is one trace over all of them, whoever took it (%i)', async (index, by) => {
    const trace = by.repeat(32);
    expect((await write(index, `orders-${by}`, trace)).status).toBe(200);
    await expect
      .poll(() => doers(trace))
      .toEqual(
        [
          `POST /api/v1/meshes/:mesh/apply: ${by}`,
          `change apply: ${by}`,
          `change commit: ${by}`,
          `change evaluate: ${by}`,
          ...REPLICAS.flatMap((replica) => ['compile', 'deliver', 'read'].map((what) => `change ${what}: ${replica}`)),
        ].sort(),
      );
  });

  it('REL-35 a collector that is gone costs no write; what it would have had is counted', async () => {
    await receiver.close();
    for (let i = 0; i < 5; i += 1) expect((await write(0, `s-${i}`, 'f'.repeat(32))).status).toBe(200);
    const lost = async (): Promise<string> => {
      const answer = await fetch(`${urls[0]}/metrics`, { headers: { authorization: `Bearer ${token}` } });
      return (await answer.text())
        .split('\n')
        .filter((line) => line.startsWith('heddle_otlp_dropped_total{'))
        .join('\n');
    };
    await expect.poll(lost).toMatch(/signal="traces",reason="not-delivered"\} [1-9]/);
  });

  it('a file of headers that is none is refused by its line, and its content is not told', async () => {
    const file = join(pads[0]?.parent ?? '', 'headers');
    writeFileSync(file, '# of the collector\nAuthorization Bearer hunter2\n');
    const run = (pads[1] ?? new Launchpad()).launch(
      ...['--observability-otlp-endpoint', 'http://127.0.0.1:4318', '--observability-otlp-headers-file', file],
    );
    expect([await run.ended, run.said()]).toEqual([
      EXIT.configuration,
      expect.stringContaining(`observability.otlp.headersFile ${file} line 2 is no "Name: value"`),
    ]);
    expect(run.said()).not.toContain('hunter2');
  });
});
