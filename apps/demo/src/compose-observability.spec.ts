import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { scrapeConfig } from '../../cli/src/prometheus/scrape-config.js';
import { COMPOSE_REPLICAS, METRICS_PORT } from './compose-topology.js';

interface ComposeService {
  readonly image: string;
  readonly profiles?: readonly string[];
  readonly volumes?: readonly string[];
  readonly ports?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly networks: { readonly mesh: { readonly ipv4_address?: string } };
}

const ROOT = join(import.meta.dirname, '../../..');
const PROMETHEUS = join(ROOT, 'docs/compose/prometheus.yml');
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');
const yaml = <T>(path: string): T => parse(read(path), { merge: true }) as T;
const { services } = yaml<{ services: Record<string, ComposeService> }>('docker-compose.yml');
const observing = Object.entries(services).filter(([, { profiles }]) => profiles?.includes('observability'));

/** Hosts of the addresses in a text, but for one's own. */
const hostsIn = (text: string): string[] =>
  [...text.matchAll(/\b([a-z][a-z0-9-]+):(\d{4,5})\b/g)].map(([, host]) => host ?? '');

describe('the profile observability of docker-compose.yml', () => {
  it('has everything, pinned by version, and lets in nobody from elsewhere', () => {
    expect(observing.map(([name]) => name)).toEqual(['prometheus', 'grafana', 'otel-collector', 'jaeger']);
    for (const [name, { image, ports = [] }] of observing) {
      expect(image, name).toMatch(/:v?\d+\.\d+\.\d+$/);
      for (const port of ports) expect(port, name).toMatch(/^127\.0\.0\.1:/);
    }
  });

  it('gives nobody an address that another one has', () => {
    const addresses = Object.values(services).flatMap(({ networks }) => networks?.mesh?.ipv4_address ?? []);
    expect(new Set(addresses).size).toBe(addresses.length);
    for (const { address } of COMPOSE_REPLICAS) expect(addresses.filter((one) => one === address)).toHaveLength(1);
    expect(METRICS_PORT).toBeLessThan(32_768);
  });

  it('mounts files that are there, and the secrets of Prometheus where nobody else sees them', () => {
    for (const [name, { volumes = [] }] of observing) {
      for (const source of volumes.map((volume) => volume.split(':')[0] ?? '').filter((one) => one.startsWith('.')))
        expect(existsSync(join(ROOT, source)), `${name}: ${source}`).toBe(true);
    }
    const holders = Object.entries(services).filter(([, { volumes = [] }]) =>
      volumes.some((one) => one.startsWith('access:')),
    );
    expect(holders.map(([name]) => name)).toEqual(['setup', 'prometheus']);
  });

  it('scrapes as heddle prometheus says (UPDATE_GOLDENS=1 rewrites it)', () => {
    const text = scrapeConfig({
      server: 'https://control-plane:8190',
      mesh: 'default',
      tokenFile: '/access/heddle-token',
      caFile: '/access/heddle-ca.pem',
      interval: '15s',
    });
    if (process.env['UPDATE_GOLDENS'] === '1' && !process.env['CI']) writeFileSync(PROMETHEUS, text);
    expect(text).toBe(existsSync(PROMETHEUS) ? readFileSync(PROMETHEUS, 'utf8') : '');
  });

  it('asks only services that there are', () => {
    const texts = ['docs/compose/otel-collector.yaml', 'docs/grafana/provisioning/datasources/heddle.yaml'].map(read);
    const hosts = [...texts, readFileSync(PROMETHEUS, 'utf8')].flatMap(hostsIn);
    expect(hosts.length).toBeGreaterThan(4);
    expect(hosts.filter((host) => services[host] === undefined)).toEqual([]);
  });

  it('has a collector whose pipelines have what they name', () => {
    const collector = yaml<
      Record<string, Record<string, object>> & { service: { pipelines: Record<string, Record<string, string[]>> } }
    >('docs/compose/otel-collector.yaml');
    for (const pipeline of Object.values(collector.service.pipelines)) {
      for (const [part, names] of Object.entries(pipeline))
        for (const name of names) expect(collector[part], `${part}: ${name}`).toHaveProperty([name]);
    }
  });

  it('shows the dashboards, one of them first', () => {
    const { providers } = yaml<{ providers: readonly { options: { path: string } }[] }>(
      'docs/grafana/provisioning/dashboards/heddle.yaml',
    );
    expect(providers[0]?.options.path).toBe('/dashboards');
    const home = services['grafana']?.environment?.['GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH'] ?? '';
    expect(readdirSync(join(ROOT, 'docs/grafana/dashboards')).map((name) => `/dashboards/${name}`)).toContain(home);
  });
});
