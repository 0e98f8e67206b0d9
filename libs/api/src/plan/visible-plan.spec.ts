import { describe, expect, it } from 'vitest';
import type { Finding, Plan } from '#libs/changes';
import type { ResourceId } from '#libs/model';
import type { Seen } from '../access/access-control.js';
import { filteredPlan, listed } from './visible-plan.js';

const id = (kind: string, namespace: string, name: string): ResourceId => ({ kind, namespace, name });
const finding = (resource: ResourceId, ...by: readonly ResourceId[]): Finding => ({
  ...{ code: 'no-effect', severity: 'warning', resource, path: '', message: '', by, introduced: true },
});
const intent = (namespace: string, name: string) =>
  ({ ...id('Service', namespace, name), op: 'create', version: 0, fields: [] }) as const;
const plan: Plan = {
  ...{
    id: 'p-1',
    mesh: 'default',
    revision: 1,
    runtimeRevision: 1,
    message: '',
    actor: '',
    createdAt: '',
    expiresAt: '',
  },
  intent: [intent('mine', 'a'), intent('theirs', 'b')],
  envoy: {
    ...{ added: 1, changed: 0, removed: 0, withoutFields: 0 },
    items: [{ op: 'add', type: 'Cluster', name: 'theirs/b/80', key: '', namespace: 'theirs', proxies: 2 }],
  },
  proxies: {
    ...{ total: 3, touched: 2 },
    items: ['mine', 'theirs'].map((namespace) => ({
      ...{ namespace, instance: 'x-1', workload: 'x', added: 1, changed: 0, removed: 0, listeners: 0 },
    })),
  },
  cost: { recomputed: 1, verified: 1, edges: 1 },
  findings: [finding(id('Service', 'mine', 'a')), finding(id('Service', 'mine', 'a'), id('HTTPRoute', 'theirs', 'r'))],
  ...{ resolved: [], warnings: [], conflicts: [] },
};
const readerOf = (may: (seen: Seen) => boolean) => ({ kinds: [], may });

describe('what a reader sees of a plan', () => {
  it('SEC-48: is what he may read; the rest is counted, and nothing tells what it is', () => {
    const seen = filteredPlan(
      plan,
      readerOf(({ namespace }) => namespace === 'mine'),
    );
    expect(seen.hidden).toEqual({ intent: 1, envoy: 1, proxies: 1, findings: 1 });
    expect(JSON.stringify(seen)).not.toContain('theirs');
    expect(seen.proxies).toMatchObject({ total: 3, touched: 2 });
  });

  it('SEC-48: is judged by the labels that a resource has and would have', () => {
    const update = { ...id('Service', 'mine', 'a'), op: 'update', version: 1, fields: [] } as const;
    const labelled = (...labels: readonly Record<string, string>[]) =>
      filteredPlan(
        { ...plan, intent: [{ ...update, labels }], findings: [finding(id('Service', 'mine', 'a'))] },
        readerOf(({ kind, labels: own }) => kind === 'Service' && own?.['team'] === 'a'),
      );
    const own = labelled({ team: 'a' }, { team: 'a' });
    expect([own.intent.length, own.findings.length]).toEqual([1, 1]);
    const moved = labelled({ team: 'b' }, { team: 'a' });
    expect([moved.intent.length, moved.findings.length]).toEqual([0, 0]);
  });

  it('is all of it for who may read all', () => {
    expect(
      filteredPlan(
        plan,
        readerOf(() => true),
      ),
    ).toEqual(plan);
  });

  it.each([
    [['a', 'b'], 0, 'a, b'],
    [['a'], 14, 'a and 14 others'],
    [['a'], 1, 'a and 1 other'],
    [[], 1, 'one resource'],
    [[], 3, '3 resources'],
    [Array.from({ length: 12 }, (_, i) => `${i}`), 0, '0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 2 others'],
  ])('names %j and counts %d more', (names, others, text) => {
    expect(listed(names, others)).toBe(text);
  });
});
