import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { type ScrapeOptions, scrapeConfig } from './scrape-config.js';

const jobs = (options: Partial<ScrapeOptions> = {}) => {
  const text = scrapeConfig({
    ...{ server: 'https://heddle.example.com', mesh: 'prod', tokenFile: '/t', caFile: '/ca.pem', interval: '15s' },
    ...options,
  });
  const { scrape_configs } = parse(text) as { scrape_configs: readonly Readonly<Record<string, unknown>>[] };
  return { controlPlane: scrape_configs[0] ?? {}, sidecars: scrape_configs[1] ?? {} };
};

describe('the scrape configuration', () => {
  it('sends the token to the control plane, and to no sidecar', () => {
    const { controlPlane, sidecars } = jobs();
    const access = { authorization: { type: 'Bearer', credentials_file: '/t' }, tls_config: { ca_file: '/ca.pem' } };
    const url = 'https://heddle.example.com/api/v1/meshes/prod/prometheus/targets';
    expect(controlPlane).toMatchObject({ scheme: 'https', metrics_path: '/metrics', ...access });
    expect(sidecars['http_sd_configs']).toEqual([{ url, refresh_interval: '30s', ...access }]);
    for (const key of ['authorization', 'tls_config', 'basic_auth']) expect(sidecars).not.toHaveProperty(key);
  });

  it.each([
    [{}, ['heddle.example.com:443']],
    [{ server: 'http://127.0.0.1:8190' }, ['127.0.0.1:8190']],
    [{ server: 'https://[fd00::1]:8190' }, ['[fd00::1]:8190']],
    [{ targets: ['a:8190', 'b:8190'] }, ['a:8190', 'b:8190']],
  ])('with %j scrapes control planes at %j', (options, targets) => {
    expect(jobs(options).controlPlane['static_configs']).toEqual([{ targets }]);
  });

  it.each([{ server: 'http://127.0.0.1:8190' }, { caFile: undefined }])(
    'with %j trusts whom the system trusts',
    (options) => {
      expect(jobs(options).controlPlane).not.toHaveProperty('tls_config');
    },
  );
});
