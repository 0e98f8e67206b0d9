/** How much a scrape of each level has. The numbers of docs/prometheus.md are what this prints with HEDDLE_PRINT set. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { renderBootstrap } from './bootstrap.js';
import { METRICS_DETAILS, METRICS_PATH } from './bootstrap-metrics.js';
import { findEnvoy } from './find-envoy.js';
import { freePort } from './free-port.js';
import { Sidecar } from './sidecar.js';
import { sampleOptions } from './testdata/sample-options.js';

const SERVICES = 20;
const TYPE = 'type.googleapis.com/envoy.extensions.filters';

const dir = mkdtempSync(join(tmpdir(), 'heddle-levels-'));
let application: Server;
beforeAll(async () => {
  application = createServer((request, response) => {
    response.statusCode = request.url === '/fail' ? 503 : 200;
    response.end('x');
  });
  await new Promise<void>((resolve) => void application.listen(0, '127.0.0.1', resolve));
});
afterAll(() => {
  application?.close();
  rmSync(dir, { recursive: true, force: true });
});

const endpointsOf = (name: string, port: number) => ({
  cluster_name: name,
  endpoints: [
    { lb_endpoints: [{ endpoint: { address: { socket_address: { address: '127.0.0.1', port_value: port } } } }] },
  ],
});
const cluster = (name: string, port: number) => ({
  ...{ name, type: 'STATIC', load_assignment: endpointsOf(name, port) },
});

/** As Heddle names them: one listener for what the application sends, and one for what it is sent. */
const listener = (prefix: string, port: number, routes: readonly object[]) => ({
  name: prefix,
  address: { socket_address: { address: '127.0.0.1', port_value: port } },
  filter_chains: [
    {
      filters: [
        {
          name: 'envoy.filters.network.http_connection_manager',
          typed_config: {
            '@type': `${TYPE}.network.http_connection_manager.v3.HttpConnectionManager`,
            stat_prefix: prefix,
            route_config: { virtual_hosts: [{ name: 'all', domains: ['*'], routes }] },
            http_filters: [
              { name: 'envoy.filters.http.router', typed_config: { '@type': `${TYPE}.http.router.v3.Router` } },
            ],
          },
        },
      ],
    },
  ],
});

describe.each(['1.40.0', '1.36.4'])('a scrape of Envoy %s that has called 20 services', (version) => {
  let sidecar: Sidecar;
  const [metrics, outbound, inbound] = [0, 1, 2].map(() => ({ address: '127.0.0.1', port: 0 }));

  beforeAll(async () => {
    const admin = { address: '127.0.0.1', port: await freePort() };
    for (const one of [metrics, outbound, inbound]) if (one) one.port = await freePort();
    const application_ = (application.address() as AddressInfo).port;
    const options = { ...sampleOptions, dir, admin, ...(metrics && { metrics }) };
    const { dynamic_resources: _, stats_sinks: __, ...rest } = renderBootstrap(options) as Record<string, unknown>;
    const { listeners, clusters } = rest['static_resources'] as Record<string, readonly unknown[]>;
    const names = Array.from({ length: SERVICES }, (_each, index) => `shop/service-${index}/8080`);
    const routes = names.map((name, index) => ({
      match: { prefix: `/${index}/` },
      route: { cluster: name, prefix_rewrite: '/' },
    }));
    const bootstrap = join(dir, `${version}.json`);
    const listening = [
      ...(listeners ?? []),
      listener('outbound', outbound?.port ?? 0, routes),
      listener('inbound_http', inbound?.port ?? 0, [{ match: { prefix: '/' }, route: { cluster: 'inbound_http' } }]),
    ];
    const called = [
      ...(clusters ?? []).slice(1),
      ...['inbound_http', ...names].map((name) => cluster(name, application_)),
    ];
    writeFileSync(bootstrap, JSON.stringify({ ...rest, static_resources: { listeners: listening, clusters: called } }));
    sidecar = await Sidecar.start({
      envoy: (await findEnvoy({ version })).path,
      bootstrap,
      admin,
      id: `levels-${version}`,
    });
    expect(await sidecar.ready(60_000)).toBe(true);
    for (const path of ['', 'fail', '']) {
      await fetch(`http://127.0.0.1:${inbound?.port}/${path}`);
      for (const index of names.keys()) await fetch(`http://127.0.0.1:${outbound?.port}/${index}/${path}`);
    }
  });
  afterAll(() => sidecar?.stop());

  const scrape = async (path: string) => {
    const response = await fetch(`http://127.0.0.1:${metrics?.port}${path}`, {
      headers: { 'accept-encoding': 'identity' },
    });
    const text = await response.text();
    return { series: text.split('\n').filter((line) => /^\w+\{/.test(line)), bytes: text.length };
  };

  it('has as much as its level says', async () => {
    // Histograms are merged by the next flush.
    await expect.poll(async () => (await scrape(METRICS_PATH)).series.length, { timeout: 30_000 }).toBeGreaterThan(700);
    const all = await scrape(METRICS_PATH);
    const [counts, minimal] = await Promise.all(
      METRICS_DETAILS.map((name) => scrape(`${METRICS_PATH}/${name.toLowerCase()}`)),
    );
    if (process.env['HEDDLE_PRINT'])
      console.info(
        version,
        ...[all, counts, minimal].map((one) => `${one?.series.length} series, ${one?.bytes} bytes`),
      );
    expect(all.series.filter((one) => one.includes('shop/service-7/8080')).length).toBeGreaterThan(30);
    expect(counts?.series.filter((one) => /_time_(bucket|sum|count)/.test(one))).toEqual([]);
    expect(counts?.series.filter((one) => one.includes('shop/service-7/8080')).length).toBeGreaterThan(2);
    // All that is left out is latency.
    const without = all.series.filter((one) => !/_time_(bucket|sum|count)/.test(one));
    const named = (series: readonly string[] | undefined) => new Set(series?.map((one) => one.replace(/ \S+$/, '')));
    expect([...named(without)].filter((one) => !named(counts?.series).has(one))).toEqual([]);
    expect(minimal?.series.join('\n')).not.toContain('shop/service-7');
    expect(minimal?.series.join('\n')).toMatch(
      /envoy_http_downstream_rq_completed\{envoy_http_conn_manager_prefix="inbound_http"\}/,
    );
    expect(minimal?.series.length).toBeLessThan(60);
  });
});
