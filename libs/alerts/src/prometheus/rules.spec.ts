import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
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

// That Prometheus accepts it, and fires what it should, is for test/prometheus.
it('judges times by bounds in which sidecars count', () => {
  expect(BUCKETS).toEqual(LATENCY_BOUNDS_MS);
});
