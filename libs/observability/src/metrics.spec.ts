import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { METRICS } from './metric-table.js';
import { createMetrics, type PrometheusMetrics } from './metrics.js';

let open: PrometheusMetrics[] = [];
const make = (options?: Parameters<typeof createMetrics>[0]): PrometheusMetrics => {
  const metrics = createMetrics(options);
  open.push(metrics);
  return metrics;
};
afterEach(() => {
  for (const metrics of open) metrics.close();
  open = [];
});

describe('createMetrics', () => {
  it('counts, sets and observes, and renders it with the documented help', async () => {
    const metrics = make({ strict: true, process: false });
    metrics.count('xds_nacks_total', { type: 'CDS' });
    metrics.count('xds_nacks_total', { type: 'CDS' }, 2);
    metrics.gauge('xds_streams', 7);
    metrics.observe('heddle_pass_seconds', 0.003);
    const text = await metrics.render();
    expect(text).toContain('# HELP xds_nacks_total Responses that a client refused.');
    expect(text).toContain('xds_nacks_total{type="CDS"} 3');
    expect(text).toContain('xds_streams 7');
    expect(text).toContain('heddle_pass_seconds_bucket{le="0.005"} 1');
    expect(metrics.contentType).toContain('text/plain');
  });

  it('shows counters without labels from the beginning, so that their first increase is seen', async () => {
    expect(await make({ process: false }).render()).toContain('heddle_certificates_issued_total 0');
  });

  it('keeps registries apart', async () => {
    const [one, two] = [make({ process: false }), make({ process: false })];
    one.gauge('xds_streams', 1);
    expect(await two.render()).not.toContain('xds_streams 1');
  });

  it.each<[string, (metrics: PrometheusMetrics) => void]>([
    ['an undocumented name', (metrics) => metrics.count('heddle_nonsense_total')],
    ['another kind', (metrics) => metrics.gauge('xds_nacks_total', 1)],
    ['another label', (metrics) => metrics.count('xds_nacks_total', { proxy: 'web-1' })],
  ])('throws in tests for %s', (_, use) => {
    expect(() => use(make({ strict: true, process: false }))).toThrow(/METRICS/);
  });

  it('never throws in production, and still shows a metric that nobody described', async () => {
    const metrics = make({ process: false });
    metrics.count('heddle_nonsense_total', { kind: 'a' }, 3);
    metrics.count('heddle_nonsense_total', { other: 'b' });
    metrics.gauge('heddle_nonsense_total', 5);
    metrics.gauge('xds_nacks_total', 1);
    metrics.count('xds_nacks_total', { proxy: 'web-1' });
    metrics.count('toString');
    const text = await metrics.render();
    expect(text).toContain('heddle_nonsense_total{kind="a"} 3');
    expect(text).not.toContain('web-1');
  });

  it('measures the process and how late the event loop runs', async () => {
    const metrics = make();
    await new Promise((resolve) => setTimeout(resolve, 1300));
    const text = await metrics.render();
    expect(text).toContain('process_resident_memory_bytes');
    expect(text).toMatch(/heddle_event_loop_lag_seconds\{quantile="max"\} [\d.e-]+/);
    expect(text).toMatch(/heddle_event_loop_stall_seconds_count [1-9]/);
  });
});

describe('METRICS', () => {
  it('has names that say what is counted and in which unit', () => {
    for (const [name, { kind, help }] of Object.entries(METRICS)) {
      expect(name).toMatch(/^(heddle|xds)_[a-z0-9_]+$/);
      expect([name, name.endsWith('_total')]).toEqual([name, kind === 'counter']);
      expect(help).toMatch(/^[A-Z0-9].*\.$/);
    }
  });

  it('documents every metric that the sources use', () => {
    const root = join(import.meta.dirname, '../../..');
    const use = /\.(count|gauge|observe)\(\s*'((?:heddle|xds)_[a-z0-9_]+)'/g;
    const kinds = { count: 'counter', gauge: 'gauge', observe: 'histogram' } as const;
    const missing = sources(join(root, 'libs'))
      .concat(sources(join(root, 'apps')))
      .flatMap((file) => [...readFileSync(file, 'utf8').matchAll(use)])
      .filter(([, how, name]) => METRICS[name ?? '']?.kind !== kinds[how as keyof typeof kinds])
      .map(([, how, name]) => `${name} (${how})`);
    expect([...new Set(missing)]).toEqual([]);
  });
});

function sources(directory: string): string[] {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.spec.ts') && !/(^|\/)(gen|node_modules)\//.test(file))
    .map((file) => join(directory, file));
}
