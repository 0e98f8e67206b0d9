import { describe, expect, it } from 'vitest';
import type { Finding, IntendedWrite, Plan } from '#libs/changes';
import type { ResourceId } from '#libs/model';
import type { HttpRequest } from '../http.js';
import { authorizeEach, filteredPlan, listed, requireMayKeep } from './authorize.js';

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
const caller = (role: 'viewer' | 'operator'): HttpRequest =>
  ({ principal: { type: 'api', id: 'x', name: 'x', role } }) as unknown as HttpRequest;
const write = (name: string, op: IntendedWrite['op'] = 'create'): IntendedWrite => ({
  ...{ ...id('Service', 'mine', name), op, before: undefined, after: undefined },
});

describe('what a reader sees of a plan', () => {
  it('SEC-48: is what he may read; the rest is counted, and nothing tells what it is', () => {
    const seen = filteredPlan(plan, ({ namespace }) => namespace === 'mine');
    expect(seen.hidden).toEqual({ intent: 1, envoy: 1, proxies: 1, findings: 1 });
    expect(JSON.stringify(seen)).not.toContain('theirs');
    expect(seen.proxies).toMatchObject({ total: 3, touched: 2 });
  });

  it('is all of it for who may read all', () => {
    expect(filteredPlan(plan, () => true)).toEqual(plan);
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

describe('every resource of a request is authorised', () => {
  it('readers may plan and not apply; what stays as it is needs nothing', () => {
    const ask =
      (action: 'plan' | 'apply', role: 'viewer' | 'operator', ...writes: readonly IntendedWrite[]) =>
      () =>
        authorizeEach(caller(role), action)(writes);
    expect(ask('plan', 'viewer', write('a'))).not.toThrow();
    expect(ask('apply', 'operator', write('a', 'delete'))).not.toThrow();
    expect(ask('apply', 'viewer', write('a', 'unchanged'))).not.toThrow();
    expect(ask('apply', 'viewer', write('a'), write('b', 'unchanged'))).toThrow('you may not write Service mine/a');
  });

  it('readers keep no plans', () => {
    expect(() => requireMayKeep(caller('viewer'))).toThrow('"save": false');
    expect(() => requireMayKeep(caller('operator'))).not.toThrow();
  });
});
