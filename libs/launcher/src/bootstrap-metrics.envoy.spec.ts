import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { renderBootstrap } from './bootstrap.js';
import { METRICS_CONNECTIONS } from './bootstrap-metrics.js';
import { findEnvoy } from './find-envoy.js';
import { freePort } from './free-port.js';
import { Sidecar } from './sidecar.js';
import type { SocketAddress } from './socket-address.js';
import { sampleOptions } from './testdata/sample-options.js';

const dir = mkdtempSync(join(tmpdir(), 'heddle-metrics-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

interface Answer {
  /** 0 when the connection ended without one. */
  readonly status: number;
  readonly head: string;
  readonly body: Buffer;
}

/** Sends exactly these bytes and reads until the other side ends. */
function exchange({ address, port }: SocketAddress, bytes: string): Promise<Answer> {
  return new Promise((resolve) => {
    const parts: Buffer[] = [];
    const socket = connect(port, address, () => socket.write(bytes, 'latin1'));
    socket.on('data', (part: Buffer) => parts.push(part)).on('error', () => {});
    socket.on('close', () => {
      const all = Buffer.concat(parts);
      const end = all.indexOf('\r\n\r\n');
      const head = all.subarray(0, end < 0 ? all.length : end).toString('latin1');
      resolve({ status: Number(/^HTTP\/1\.[01] (\d{3})/.exec(head)?.[1] ?? 0), head, body: all.subarray(end + 4) });
    });
  });
}

const request = (line: string, ...headers: readonly string[]): string =>
  `${[`${line} HTTP/1.1`, 'host: 127.0.0.1', 'connection: close', ...headers].join('\r\n')}\r\n\r\n`;

/** Words of the pages of the admin interface; the statistics have none of them. */
const OF_ADMIN = /admin commands|"configs"|bootstrap|static_resources|command_line|heddle_admin::|certificates|Usage/i;

/** Everything by which one might get at another page of the admin interface, or at this one with other parameters. */
const REFUSED: readonly (readonly [what: string, bytes: string])[] = [
  ...['/', '/stats', '/stats/', '/config_dump', '/clusters', '/listeners', '/certs', '/server_info', '/ready'].map(
    (path) => [path, request(`GET ${path}`)] as const,
  ),
  ...[
    '/help',
    '/runtime',
    '/memory',
    '/init_dump',
    '/logging',
    '/contention',
    '/heap_dump',
    '/stats/recentlookups',
  ].map((path) => [path, request(`GET ${path}`)] as const),
  ...['/quitquitquit', '/drain_listeners', '/reset_counters', '/healthcheck/fail', '/runtime_modify?a=b'].map(
    (path) => [`POST ${path}`, request(`POST ${path}`, 'content-length: 0')] as const,
  ),
  ['a query', request('GET /stats/prometheus?filter=.*')],
  ['an empty query', request('GET /stats/prometheus?')],
  ['a fragment', request('GET /stats/prometheus#x')],
  ['a level in a query', request('GET /stats/prometheus?detail=minimal')],
  ['a query of a level', request('GET /stats/prometheus/minimal?filter=.*')],
  ['an empty query of a level', request('GET /stats/prometheus/minimal?')],
  ['an escaped query of a level', request('GET /stats/prometheus/minimal%3Ffilter=.*')],
  ['an expression of a level that is costly', request(`GET /stats/prometheus/counts?filter=(${'a?'.repeat(900)})`)],
  ['more parameters of a level', request('GET /stats/prometheus/minimal&filter=.*')],
  ['a level that there is not', request('GET /stats/prometheus/full')],
  ['a level in another case', request('GET /stats/prometheus/Minimal')],
  ['a slash after a level', request('GET /stats/prometheus/minimal/')],
  ['a path below a level', request('GET /stats/prometheus/minimal/config_dump')],
  ['two levels', request('GET /stats/prometheus/minimal/counts')],
  ['a fragment of a level', request('GET /stats/prometheus/minimal#x')],
  ['dots after a level', request('GET /stats/prometheus/minimal/../../../config_dump')],
  ['a level alone', request('GET /minimal')],
  ['a semicolon after a level', request('GET /stats/prometheus/minimal;usedonly')],
  ['POST to a level', request('POST /stats/prometheus/minimal', 'content-length: 0')],
  ['a body to a level', `${request('GET /stats/prometheus/minimal', 'content-length: 5')}hello`],
  ['a slash after it', request('GET /stats/prometheus/')],
  ['a path below it', request('GET /stats/prometheus/config_dump')],
  ['dots', request('GET /stats/prometheus/../../config_dump')],
  ['escaped dots', request('GET /stats/prometheus/%2e%2e/%2e%2e/config_dump')],
  ['dots before it', request('GET /config_dump/../stats/prometheus')],
  ['two slashes', request('GET //stats/prometheus')],
  ['an escaped slash', request('GET /stats%2fprometheus')],
  ['a backslash', request('GET /stats\\prometheus')],
  ['a semicolon', request('GET /stats/prometheus;/config_dump')],
  ['another case', request('GET /STATS/PROMETHEUS')],
  ['an absolute address', request('GET http://127.0.0.1/config_dump')],
  ['POST', request('POST /stats/prometheus', 'content-length: 0')],
  ['HEAD', request('HEAD /stats/prometheus')],
  ['OPTIONS', request('OPTIONS /stats/prometheus')],
  ['CONNECT', request('CONNECT 127.0.0.1:9901')],
  ['a body', `${request('GET /stats/prometheus', 'content-length: 5')}hello`],
  ['an upgrade', 'GET /stats/prometheus HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n'],
  ['HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
  ['a second length', request('GET /config_dump', 'content-length: 0', 'content-length: 5')],
  [
    'headers that overwrite the path',
    request('GET /', 'x-envoy-original-path: /stats/prometheus', ':path: /stats/prometheus'),
  ],
  ['a header of 9 KB', request('GET /stats/prometheus', `x-long: ${'x'.repeat(9_000)}`)],
];

describe.each(['1.40.0', '1.36.4'])('SEC-60: the listener for Prometheus of Envoy %s', (version) => {
  let sidecar: Sidecar;
  let at: SocketAddress;

  beforeAll(async () => {
    const envoy = (await findEnvoy({ version })).path;
    const admin = { address: '127.0.0.1', port: await freePort() };
    at = { address: '127.0.0.1', port: await freePort() };
    const here = join(dir, version);
    mkdirSync(here);
    // Its listeners wait for the control plane, of which there is none here.
    const { dynamic_resources: _, ...rest } = renderBootstrap({ ...sampleOptions, dir: here, admin, metrics: at });
    const resources = rest['static_resources'] as {
      readonly listeners: unknown;
      readonly clusters: readonly unknown[];
    };
    const bootstrap = join(here, 'bootstrap.json');
    const [, adminCluster] = resources.clusters;
    const { stats_sinks: __, stats_flush_interval: ___, ...others } = rest as Record<string, unknown>;
    writeFileSync(
      bootstrap,
      JSON.stringify({ ...others, static_resources: { listeners: resources.listeners, clusters: [adminCluster] } }),
    );
    sidecar = await Sidecar.start({ envoy, bootstrap, admin, id: `metrics-${version}` });
    expect(await sidecar.ready(60_000)).toBe(true);
  });
  afterAll(() => sidecar?.stop());

  it('answers the statistics, without those that never counted anything', async () => {
    const { status, head, body } = await exchange(at, request('GET /stats/prometheus'));
    expect([status, /content-type: (\S+)/.exec(head)?.[1]]).toEqual([200, 'text/plain;']);
    expect(body.toString()).toMatch(/^envoy_server_live\{\} 1$/m);
    expect(body.toString()).not.toMatch(/envoy_cluster_manager_cluster_removed/);
    expect(head).not.toMatch(/x-envoy/i);
  });

  it('answers less of them at other paths', async () => {
    const names = async (path: string): Promise<readonly string[]> => {
      const { status, body } = await exchange(at, request(`GET ${path}`));
      expect(status).toBe(200);
      return [...body.toString().matchAll(/^# TYPE (\w+) /gm)].map(([, name = '']) => name);
    };
    // The first scrape is what the others tell of.
    const [all, counts, minimal] = [
      await names('/stats/prometheus'),
      await names('/stats/prometheus/counts'),
      await names('/stats/prometheus/minimal'),
    ];
    expect(all).toContain('envoy_server_live');
    expect(minimal).toContain('envoy_server_live');
    expect(minimal.filter((name) => name.startsWith('envoy_cluster_upstream'))).toEqual([]);
    expect(counts.filter((name) => name.endsWith('_time'))).toEqual([]);
  });

  it('compresses for who asks for it', async () => {
    const { head, body } = await exchange(at, request('GET /stats/prometheus', 'accept-encoding: gzip'));
    expect(head).toMatch(/content-encoding: gzip/);
    const start = body.indexOf(Buffer.from([0x1f, 0x8b]));
    const chunk = Number.parseInt(body.subarray(0, start).toString('latin1'), 16);
    expect(gunzipSync(body.subarray(start, start + chunk), { finishFlush: 2 }).toString()).toContain(
      'envoy_server_live',
    );
  });

  it.concurrent.each(REFUSED)('refuses %s, and shows nothing of the admin interface', async (_what, bytes) => {
    const { status, head, body } = await exchange(at, bytes);
    expect(head).not.toMatch(/^HTTP\/1\.1 2/);
    expect([0, 400, 403, 404, 405, 426, 431]).toContain(status);
    expect(body.toString('latin1')).not.toMatch(OF_ADMIN);
  });

  it('does not let a second request ride on the first one', async () => {
    const bytes = `GET /stats/prometheus HTTP/1.1\r\nhost: x\r\n\r\n${request('GET /config_dump')}`;
    const { body } = await exchange(at, bytes);
    expect(body.toString('latin1')).toMatch(/HTTP\/1\.1 404/);
    expect(body.toString('latin1')).not.toMatch(OF_ADMIN);
  });

  it('nothing of that has changed the Envoy, and a flood of connections leaves it alone', async () => {
    const sockets = Array.from({ length: METRICS_CONNECTIONS + 20 }, () =>
      connect(at.port, at.address).on('error', () => {}),
    );
    await expect
      .poll(() => sockets.filter((socket) => socket.destroyed || socket.closed || socket.readableEnded).length)
      .toBeGreaterThanOrEqual(20);
    for (const socket of sockets) socket.destroy();
    await expect.poll(async () => (await exchange(at, request('GET /stats/prometheus'))).status).toBe(200);
    expect(await sidecar.ready(1_000)).toBe(true);
  });
});
