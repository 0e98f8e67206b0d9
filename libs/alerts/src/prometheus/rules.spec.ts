import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { LATENCY_BOUNDS_MS } from '#libs/launcher';
import { objective, rule } from '../testing/examples.js';
import { BUCKETS } from './expressions.js';
import { prometheusRules } from './rules.js';

const GOLDEN = join(import.meta.dirname, '../../testdata/prometheus-rules.yaml');

const text = prometheusRules({
  mesh: 'default',
  objectives: [
    objective(
      'available',
      '{targetRef: {kind: Service, name: orders, port: 80}, objective: 99.9, availability: {}, labels: {team: orders}, description: "{{ $value }} is no template"}',
    ),
    objective(
      'fast',
      '{targetRef: {kind: Service, name: orders}, objective: 95, periodDays: 7, latency: {threshold: 300ms}, minimumRequests: 0, runbook: "https://wiki.example.com/x"}',
    ),
    objective('of-a-route', '{targetRef: {kind: HTTPRoute, name: orders}, objective: 99, availability: {}}'),
    objective('silent', '{targetRef: {kind: Service, name: orders}, objective: 99, availability: {}, alerts: []}'),
  ],
  rules: [
    rule(
      'failing',
      '{signal: {aggregate: FailurePercent, service: orders, above: 5, by: Service}, severity: critical, for: 90s}',
    ),
    rule('slow', '{signal: {aggregate: Latency, slowerThan: 1s}}'),
    rule('storm', '{signal: {aggregate: AttemptsPerRequest, service: orders, above: 1.5}}'),
    rule('quiet', '{signal: {aggregate: Rate, service: orders, below: 0.5}}'),
    rule('by-edge', '{signal: {aggregate: Rate, above: 1, by: Edge}}'),
    rule('of-a-caller', '{signal: {aggregate: Rate, above: 1, caller: web}}'),
    rule('off', '{proxiesRefusing: {}, enabled: false}'),
  ],
});

it('the rules file is the one that was reviewed', () => {
  if (process.env['UPDATE_GOLDENS'] === '1' && !process.env['CI']) writeFileSync(GOLDEN, text);
  expect(text, `${GOLDEN}; UPDATE_GOLDENS=1 rewrites it`).toBe(existsSync(GOLDEN) ? readFileSync(GOLDEN, 'utf8') : '');
});

/** What is made of one rule: expression and time, or why it is left out. */
function made(spec: string): string {
  const file = prometheusRules({ mesh: 'default', objectives: [], rules: [rule('mine', spec)] });
  const leftOut = /^# left out: AlertRule shop[/]mine: (.*)$/m.exec(file)?.[1];
  if (leftOut !== undefined) return leftOut;
  const { groups } = parse(file) as { groups: { name: string; rules: { expr: string; for: string }[] }[] };
  const [found] = groups.find(({ name }) => name === 'heddle/default/shop/mine')?.rules ?? [];
  return `${found?.for}: ${found?.expr}`;
}

it.each([
  [
    '{scope: Mesh, authorityExpiry: {within: 1440h}, for: 0s}',
    '0s: min(heddle_authority_end_timestamp_seconds{mesh=~"|default"}) - time() < 5184000',
  ],
  ['{scope: Mesh, replicaGone: {longerThan: 5m}, for: 1m}', '6m: up{job="heddle"} == 0 or absent(up{job="heddle"})'],
  ['{scope: Mesh, proxiesRefusing: {}, for: 0s}', expect.stringMatching(/^0s: sum\(increase\(xds_nacks_total/)],
  ['{scope: Mesh, proxiesRefusing: {moreThan: 3}}', 'no metric tells how many proxies refuse configuration'],
  ['{proxiesRefusing: {}}', 'no metric tells in which namespace proxies refuse configuration'],
  [
    '{scope: Mesh, databaseSlow: {slowerThan: 100ms}}',
    'no metric tells how long Postgres takes; DatabaseAway is about one that does not answer',
  ],
  ['{certificateExpiry: {remainingPercent: 10}}', 'no metric tells it'],
])('a condition is told with its own limits, or named: %s', (spec, expected) => {
  expect(made(spec)).toEqual(expected);
});

// That Prometheus accepts it, and fires what it should, is for test/prometheus.
it('judges times by bounds in which sidecars count', () => {
  expect(BUCKETS).toEqual(LATENCY_BOUNDS_MS);
});
