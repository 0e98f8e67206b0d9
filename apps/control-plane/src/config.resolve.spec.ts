import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { printConfig, printHelp, resolveConfig, withoutPassword } from './config.resolve.js';
import { SETTINGS } from './config.settings.js';

let directory: string;
let file: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'heddle-config-'));
  file = join(directory, 'heddle.yaml');
});
afterAll(() => rmSync(directory, { recursive: true }));

const write = (text: string): string[] => {
  writeFileSync(file, text);
  return ['--config', file];
};
const OIDC = ['--oidc-issuer', 'https://id.test/realms/main', '--oidc-client-id', 'heddle'];
const problems = (argv: string[], env: Record<string, string> = {}): readonly string[] => {
  const resolved = resolveConfig(argv, env);
  return resolved.ok ? [] : resolved.error;
};

describe('the configuration', () => {
  it('has defaults for everything', () => {
    const resolved = resolveConfig([], {});
    expect(resolved).toMatchObject({
      ok: true,
      value: {
        config: {
          dataDir: '.heddle',
          rest: { host: '127.0.0.1', port: 8190 },
          xds: { port: 8191 },
          log: { level: 'info' },
        },
      },
    });
  });

  it('takes flags before the environment, that before the file, and says so', () => {
    const argv = [
      ...write('rest: { port: 1, host: "::1" }\nxds: { serverNames: [a.test] }\n'),
      '--rest-port=3',
      '--database-accept',
    ];
    const resolved = resolveConfig(argv, {
      HEDDLE_REST_PORT: '2',
      HEDDLE_XDS_PORT: '4',
      DATABASE_URL: 'postgres://u:secret@db/h',
    });
    if (!resolved.ok) throw new Error(resolved.error.join());
    const { config, origins } = resolved.value;
    expect(config).toMatchObject({
      rest: { port: 3, host: '::1' },
      xds: { port: 4, serverNames: ['a.test'] },
      database: { accept: true },
    });
    expect(['rest.port', 'xds.port', 'rest.host', 'dataDir', 'database.url'].map((key) => origins.get(key))).toEqual([
      '--rest-port',
      'HEDDLE_XDS_PORT',
      `file ${file}`,
      'default',
      'DATABASE_URL',
    ]);
    const printed = printConfig(resolved.value);
    expect(printed).toMatch(/^rest\.port +3 +--rest-port$/m);
    expect(printed).not.toContain(':secret@');
  });

  it.each([
    [['--rest-prt', '1'], /--rest-prt is not a flag; did you mean "--rest-port"\?/],
    [['--rest-port'], /--rest-port needs a value/],
    [['--rest-port', 'x'], /^rest\.port \(--rest-port\): /],
    [['--rest-port', '70000'], /^rest\.port \(--rest-port\): /],
    [['--rest-tls-cert-file', 'x'], /^rest\.tlsKeyFile: a certificate and its key are given together/],
    [['--config', '/nowhere/heddle.yaml'], /^\/nowhere\/heddle\.yaml cannot be read/],
  ])('refuses the flags %j', (argv, message) => {
    expect(problems(argv).join('\n')).toMatch(message);
  });

  it('refuses unknown settings of a file and of the environment, all at once', () => {
    const found = problems(write('rest: { prot: 1 }\nxdz: { port: 1 }\nlog: loud\n'), {
      HEDDLE_REST_PROT: '1',
      HEDDLE_TOKEN: 'x',
    });
    expect(found).toHaveLength(4);
    expect(found.join('\n')).toMatch(/rest\.prot is not a setting; did you mean "rest\.port"/);
    expect(found.join('\n')).toMatch(/xdz is not a setting; did you mean "xds"/);
    expect(found.join('\n')).toMatch(/log must be a map/);
    expect(found.join('\n')).toMatch(/HEDDLE_REST_PROT is not a setting; did you mean "HEDDLE_REST_PORT"/);
  });

  it('describes every setting', () => {
    for (const setting of SETTINGS) expect(printHelp()).toContain(setting.flag);
    expect(SETTINGS.every(({ description }) => description.length > 10)).toBe(true);
  });

  it('SEC-67: shows no password', () => {
    expect(withoutPassword('postgres://u:pw@h/d?password=pw')).not.toContain('pw');
  });

  it.each([
    [
      '/relative',
      'file:relative',
      /^audit\.checkpointTo \(--audit-checkpoint-to\): "file:relative": write file:\/an\/absolute\/path$/,
    ],
    ['plain http', 'http://collector.example/x', /^audit\.checkpointTo .*http is for this machine only/],
    ['a password in it', 'https://user:secret@collector.example/x', /webhookTokenFile/],
    ['something else', 'kafka://x', /write stdout, file:\/path or https:\/\/host\/path/],
  ])('refuses a destination of checkpoints with %s, and names the setting', (_what, destination, message) => {
    const said = problems(['--audit-checkpoint-to', destination]);
    expect(said).toEqual([expect.stringMatching(message)]);
    expect(said.join()).not.toContain('secret');
  });

  it('takes destinations of checkpoints', () => {
    const argv = [
      '--audit-checkpoint-to',
      'stdout,file:/var/log/heddle.jsonl,https://collector.example/x,http://127.0.0.1:9/x',
    ];
    expect(problems(argv)).toEqual([]);
    expect(problems(['--audit-checkpoint-seconds', '-1'])).toEqual([
      expect.stringContaining('audit.checkpointSeconds'),
    ]);
  });

  it('knows where telemetry goes by the standard variables, which its own ones overrule', () => {
    const env = {
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://standard:4318',
      OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc',
      HEDDLE_OBSERVABILITY_OTLP_ENDPOINT: 'https://own:4318',
      HEDDLE_OBSERVABILITY_OTLP_SAMPLE_RATIO: '0.25',
    };
    const resolved = resolveConfig(write('observability: { otlp: { metrics: false, metricSeconds: 7 } }\n'), env);
    if (!resolved.ok) throw new Error(resolved.error.join());
    expect(resolved.value.config.observability.otlp).toEqual({
      ...{ endpoint: 'https://own:4318', protocol: 'grpc', sampleRatio: 0.25 },
      ...{ traces: true, metrics: false, mesh: true, metricSeconds: 7 },
    });
    expect(resolved.value.origins.get('observability.otlp.protocol')).toBe('OTEL_EXPORTER_OTLP_PROTOCOL');
  });

  it('SEC-67 refuses credentials where everybody sees them, and what is no ratio', () => {
    expect(
      problems(['--observability-otlp-endpoint', 'http://u:hunter2@h', '--observability-otlp-sample-ratio', '2']),
    ).toEqual([
      'observability.otlp.endpoint (--observability-otlp-endpoint): no user or password in the URL: put an Authorization header into headersFile',
      expect.stringMatching(/^observability\.otlp\.sampleRatio .*1/),
    ]);
    expect(problems(['--observability-otlp-sample-ratio', 'half'])).toHaveLength(1);
    expect(problems(['--observability-otlp-endpoint', 'collector:4317'])).toHaveLength(1);
  });

  it.each([
    [
      'no client',
      ['--oidc-issuer', 'https://id.test', '--oidc-public-url', 'https://127.0.0.1'],
      /^oidc\.clientId: is needed with oidc\.issuer/,
    ],
    ['no issuer', ['--oidc-client-id', 'x'], /^oidc\.issuer: is needed with the other settings/],
    ['no public address', ['--oidc-issuer', 'https://id.test', '--oidc-client-id', 'x'], /^oidc\.publicUrl: is needed/],
    [
      'a name that REST does not answer to',
      [...OIDC, '--oidc-public-url', 'https://h.test'],
      /^oidc\.publicUrl .*add it to rest\.allowedHosts/,
    ],
    [
      'a path in the public address',
      [...OIDC, '--oidc-public-url', 'https://localhost/x'],
      /^oidc\.publicUrl .*without a path/,
    ],
    ['plain http', ['--oidc-issuer', 'http://id.test'], /^oidc\.issuer .*http is for this machine only/],
    [
      'the address of the metadata',
      ['--oidc-issuer', 'https://id.test/.well-known/openid-configuration'],
      /^oidc\.issuer .*well-known/,
    ],
    ['a group without ours', [...OIDC, '--oidc-groups', 'admins'], /^oidc\.groups .*write <group of the provider>=/],
    ['no openid', [...OIDC, '--oidc-scopes', 'profile'], /^oidc\.scopes .*must have openid/],
    ['sessions without end', [...OIDC, '--oidc-session-minutes', '0'], /^oidc\.sessionMinutes /],
  ])('refuses an identity provider with %s, and names the setting', (_what, argv, message) => {
    expect(problems(argv).join('\n')).toMatch(message);
  });

  it('takes an identity provider; browsers come back to where notifications lead, too', () => {
    const hosts = ['--rest-allowed-hosts', 'h.test', '--alerts-external-url', 'https://h.test/'];
    expect(problems([...OIDC, ...hosts])).toEqual([]);
    expect(problems([...OIDC, '--oidc-public-url', 'http://localhost:8190', '--oidc-groups', '/a/b=c,d=e'])).toEqual(
      [],
    );
  });
});
