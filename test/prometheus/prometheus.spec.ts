import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { METRICS } from '#libs/observability';
import { metricsIn, panelQueries, variableQueries } from './dashboards.js';
import { mayRun, promtool } from './prometheus.js';
import { PrometheusRig } from './rig.js';

/** Panels about what does not happen here: their series are those of a real sidecar all the same, see below. */
const QUIET = new RegExp(
  [
    'Timeouts|Refused by circuit breakers|Connections that failed|TLS handshakes that failed|Instances taken out',
    'Certificates not accepted|Given up, or refused by a circuit breaker|Retries: not allowed',
    'control-plane: (Refused|Refused at the door|Held back|Failures)|dropped: |access logs',
  ].join('|'),
);

let rig: PrometheusRig;

describe.skipIf(!mayRun())('a real Prometheus that scrapes a real mesh', () => {
  beforeAll(async () => {
    rig = await PrometheusRig.start();
  });
  afterAll(() => rig?.stop());

  it('accepts the configuration of heddle prometheus, and the rules of heddle alerts prometheus-rules', async () => {
    expect(await promtool('check', 'config', rig.files.config)).toMatch(/SUCCESS: .* is valid prometheus config/);
    const reviewed = join(import.meta.dirname, '../../libs/alerts/testdata/prometheus-rules.yaml');
    for (const file of [rig.files.rules, reviewed])
      expect(await promtool('check', 'rules', file)).toMatch(/SUCCESS: \d+ rules found/);
  });

  it('accepts the configuration of docker-compose.yml', async () => {
    const text = readFileSync(join(import.meta.dirname, '../../docs/compose/prometheus.yml'), 'utf8');
    const file = join(rig.mesh.dir, 'compose.yml');
    writeFileSync(join(rig.mesh.dir, 'heddle-ca.pem'), await rig.authority());
    writeFileSync(file, text.replaceAll('/access/', `${rig.mesh.dir}/`));
    expect(await promtool('check', 'config', file)).toMatch(/SUCCESS: .* is valid prometheus config/);
  });

  it('finds the sidecars and the control plane, with a token that can only read', async () => {
    const health = async (): Promise<readonly string[]> =>
      (await rig.prometheus.targets())
        .map(({ labels, health, lastError }) => `${labels['job']} ${health} ${lastError}`.trim())
        .sort();
    await expect.poll(health).toEqual(['heddle up', 'heddle-sidecars up', 'heddle-sidecars up', 'heddle-sidecars up']);
    const orders = (await rig.prometheus.targets()).find(({ labels }) => labels['workload'] === 'orders');
    expect(orders?.labels).toEqual({
      ...{ job: 'heddle-sidecars', instance: 'shop/orders-1', mesh: 'default', namespace: 'shop', workload: 'orders' },
      ...{ service: 'orders', version: 'blue', team: 'shopping', color: 'blue' },
    });
  });

  it('gives every series of a sidecar the tags that its policy says', async () => {
    const series = (selector: string) => rig.prometheus.number(`count({${selector}})`);
    await expect.poll(() => series('__name__=~"envoy_.+",team="shopping",workload="orders"')).toBeGreaterThan(10);
    const orders = await series('__name__=~"envoy_.+",workload="orders"');
    expect(await series('__name__=~"envoy_.+",workload="orders",team="shopping",color="blue"')).toBe(orders);
    expect(await series('workload="web",color!=""')).toBeUndefined();
  });

  it('reads less of a sidecar of which a policy wants less', async () => {
    const vault = (await rig.prometheus.targets()).find(({ labels }) => labels['workload'] === 'vault');
    expect(vault).toMatchObject({ health: 'up', discoveredLabels: { __metrics_path__: '/stats/prometheus/minimal' } });
    const names = async (): Promise<readonly string[]> =>
      (await rig.prometheus.query('group by (__name__) ({__name__=~"envoy_.+",workload="vault"})')).map(
        ({ metric }) => metric['__name__'] ?? '',
      );
    await expect.poll(names).toContain('envoy_http_rbac_denied');
    expect((await names()).filter((name) => name.startsWith('envoy_cluster_u'))).toEqual([]);
    const web = (await rig.prometheus.targets()).find(({ labels }) => labels['workload'] === 'web');
    const address = web?.discoveredLabels['__address__'] ?? '';
    const series = async (level: string): Promise<number> => {
      const response = await fetch(`http://${address}/stats/prometheus${level}`);
      return (await response.text()).split('\n').filter((line) => line.startsWith('envoy_')).length;
    };
    // Two services are called, and latencies have 31 bounds for each.
    await expect.poll(async () => (await series('')) - (await series('/counts'))).toBeGreaterThan(60);
    await expect.poll(async () => (await series('/counts')) - (await series('/minimal'))).toBeGreaterThan(5);
  });

  it('sees what was asked, by caller and callee', async () => {
    const rate = 'sum(rate(envoy_cluster_upstream_rq_completed{workload="web",destination_service="orders"}[15s]))';
    await expect.poll(() => rig.prometheus.number(rate)).toBeGreaterThan(1);
  });

  it('a sidecar has few series: some that all have, and those of services that it has called', async () => {
    // Two are called by web, and latencies have 31 bounds for each.
    const series = await rig.prometheus.query('scrape_samples_scraped{workload="web"}');
    const told = Number(series[0]?.value[1]);
    expect(told).toBeGreaterThan(100);
    expect(told).toBeLessThan(250);
  });

  it('every series that a dashboard reads is one of a real sidecar or control plane', async () => {
    const { controlPlane } = rig.mesh;
    const own = await fetch(`${controlPlane.url}/metrics`, {
      headers: { authorization: `Bearer ${controlPlane.token}` },
    });
    // Also those that never counted anything, which the listener for Prometheus leaves out.
    const exposed = [
      await own.text(),
      ...(await Promise.all(rig.members.map(({ sidecar }) => sidecar.adminPage('/stats/prometheus')))),
    ].join('\n');
    const exposedNames = [...exposed.matchAll(/^# TYPE (\w+) /gm)].map(([, name]) => name);
    // A control plane exposes what it has counted once.
    const known = new Set([...exposedNames, ...Object.keys(METRICS)]);
    const read = [...panelQueries(), ...variableQueries()].flatMap(({ name, expression }) =>
      metricsIn(expression).map((metric) => ({ name, metric })),
    );
    expect(read.filter(({ metric }) => !known.has(metric))).toEqual([]);
    expect(read.length).toBeGreaterThan(80);
  });

  it.each(panelQueries().map(({ name, expression }) => [name, expression] as const))(
    'panel %s',
    async (name, expression) => {
      if (QUIET.test(name)) await rig.prometheus.query(expression);
      else await expect.poll(async () => (await rig.prometheus.query(expression)).length).toBeGreaterThan(0);
    },
  );

  it.each(variableQueries().map(({ name, expression, label }) => [name, expression, label] as const))(
    'variable %s',
    async (_name, expression, label) => {
      const samples = await rig.prometheus.query(expression);
      expect(samples.map(({ metric }) => metric[label] ?? '')).not.toContain('');
      expect(samples.length).toBeGreaterThan(0);
    },
  );

  const firing = async (): Promise<readonly string[]> => {
    const alerts = (await rig.prometheus.alerts()).filter(({ state }) => state === 'firing');
    return [...new Set(alerts.map(({ labels }) => labels['alertname'] ?? ''))].sort();
  };
  const EXPECTED = ['authority-ends', 'available', 'fast', 'orders-again', 'orders-failing', 'orders-slow'];

  it('fires the alerts that the rules file has, and no others', async () => {
    await expect.poll(firing).toEqual(EXPECTED);
  });

  it('fires at the first refusal of a proxy', async () => {
    await rig.refused();
    await expect.poll(firing).toEqual(['ProxiesRefusing', ...EXPECTED]);
  });
});
