import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { renderBootstrap } from './bootstrap.js';
import { bootstrapYaml } from './bootstrap-yaml.js';
import { LauncherError } from './launcher-error.js';
import { caSecretYaml, tokenSecretYaml } from './sidecar-files.js';
import { sampleCaPem, sampleOptions } from './testdata/sample-options.js';

const ROOT = `${import.meta.dirname}/../../..`;

/** A hand-made sample starts with what to do; the rest is what every sidecar gets. */
const SAMPLE_HEADER = `# The bootstrap of a sidecar, to join a machine by hand: see README.md in this folder.
# Rendered by libs/launcher for default/shop/web/web-1; change the node, the admin port and the control plane's address.
`;

const sample = (): string => SAMPLE_HEADER + bootstrapYaml(renderBootstrap(sampleOptions));

describe('the bootstrap', () => {
  it('is the sample in envoy/, byte for byte (UPDATE_GOLDENS=1 rewrites it)', () => {
    const path = `${ROOT}/envoy/bootstrap.sample.yaml`;
    const { UPDATE_GOLDENS: update, CI: ci } = process.env;
    if (update && !ci) writeFileSync(path, sample());
    expect(sample()).toBe(readFileSync(path, 'utf8'));
  });

  it('holds neither token nor CA: both are files that can be replaced while Envoy runs', () => {
    expect(sample()).not.toMatch(/Bearer|BEGIN CERTIFICATE/);
  });

  it.each([
    ['10.0.0.5', 'STATIC'],
    ['fd00::5', 'STATIC'],
    ['heddle.example.com', 'STRICT_DNS'],
  ])('finds a control plane at %s by a %s cluster', (address, type) => {
    const xds = { ...sampleOptions.xds, address };
    expect(renderBootstrap({ ...sampleOptions, xds })).toMatchObject({ static_resources: { clusters: [{ type }] } });
  });

  it('takes the size of regular expressions, the connection limit and further statistics as parameters', () => {
    const rendered = renderBootstrap({
      ...sampleOptions,
      re2MaxProgramSize: 50,
      maxConnections: 7,
      extraStats: ['sds.'],
    });
    expect(rendered).toMatchObject({
      layered_runtime: { layers: [{ static_layer: { 're2.max_program_size.error_level': 50 } }] },
      overload_manager: { resource_monitors: [{ typed_config: { max_active_downstream_connections: 7 } }] },
    });
    expect(JSON.stringify(rendered)).toContain('{"prefix":"sds."}');
  });

  it('reports as often as it is told, or not at all', () => {
    const interval = (reportIntervalMs: number): unknown => renderBootstrap({ ...sampleOptions, reportIntervalMs });
    expect(interval(1_500)).toMatchObject({ stats_flush_interval: '1.5s', stats_sinks: [{}] });
    expect(interval(0)).not.toHaveProperty('stats_sinks');
    for (const wrong of [-1, 999, 300_001, 1_000.5]) expect(() => interval(wrong)).toThrow(/report interval/);
  });

  it.each([
    ['nothing', ''],
    ['text', 'trust me'],
    ['a key', '-----BEGIN PRIVATE KEY-----\nAA==\n-----END PRIVATE KEY-----\n'],
    ['a broken certificate', '-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n'],
    [
      'a broken certificate after a good one',
      `${sampleCaPem}-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n`,
    ],
  ])('SEC-17: is not rendered when the CA is %s', (_what, caPem) => {
    expect(() => renderBootstrap({ ...sampleOptions, caPem })).toThrow(LauncherError);
    expect(() => caSecretYaml(caPem, sampleOptions.xds.serverName)).toThrow(LauncherError);
  });

  it('SEC-17: always pins the name of the control plane beside its CA', () => {
    expect(caSecretYaml(sampleCaPem, 'control-plane.heddle.local')).toContain('exact: control-plane.heddle.local');
    for (const serverName of ['', '10.0.0.1', '*.heddle.local', 'a b']) {
      const xds = { ...sampleOptions.xds, serverName };
      expect(() => renderBootstrap({ ...sampleOptions, xds })).toThrow(/must be a DNS name/);
    }
  });

  it.each([
    ['an instance that is no DNS name', { identity: { ...sampleOptions.identity, instance: '../x' } }],
    ['an instance with a slash', { identity: { ...sampleOptions.identity, instance: 'a/b' } }],
    ['a port of 0', { admin: { address: '127.0.0.1', port: 0 } }],
    ['an empty address', { admin: { address: '', port: 9901 } }],
  ])('refuses %s', (_what, change) => {
    expect(() => renderBootstrap({ ...sampleOptions, ...change })).toThrow(LauncherError);
  });
});

describe('the token file', () => {
  it('carries the token as a bearer credential under the name that the bootstrap asks for', () => {
    expect(tokenSecretYaml('a.b.c')).toContain('inline_string: Bearer a.b.c');
    expect(tokenSecretYaml('a.b.c')).toContain('name: xds_token');
  });
});
