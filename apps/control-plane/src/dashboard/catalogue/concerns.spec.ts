import { describe, expect, it } from 'vitest';
import { admits, reachOf } from './concerns.js';

const PAY = { namespace: 'shop', name: 'payments' };
const ofKind = (kind: string, name: string, namespace?: string) => ({
  kind,
  name,
  ...(namespace ? { namespace } : {}),
});

describe('what has to do with a service', () => {
  it.each([
    ['a policy that names it', 'shop', { targetRef: ofKind('Service', 'payments') }, 'service'],
    ['one from another namespace', 'ops', { targetRef: ofKind('Service', 'payments', 'shop') }, 'service'],
    ['one of its namesake elsewhere', 'bank', { targetRef: ofKind('Service', 'payments') }, undefined],
    ['a policy for its namespace', 'shop', { request: '3s' }, 'namespace'],
    ['a policy for another namespace', 'bank', { request: '3s' }, undefined],
    ['a policy for the mesh', 'ops', { targetRef: ofKind('Mesh', 'default') }, 'mesh'],
    [
      'a route whose parent it is',
      'shop',
      { parentRefs: [{ group: '', ...ofKind('Service', 'payments') }] },
      'service',
    ],
    [
      'a route that sends to it',
      'shop',
      { parentRefs: [ofKind('Service', 'web')], rules: [{ backendRefs: [{ name: 'payments', port: 80 }] }] },
      'service',
    ],
    ['a route of others', 'shop', { parentRefs: [ofKind('Service', 'web')], rules: [] }, undefined],
    ['a policy whose rules are of another shape', 'shop', { action: 'ALLOW', rules: [{ from: 3 }] }, 'namespace'],
  ])('%s', (_, namespace, spec, reach) => {
    expect(reachOf({ namespace, spec }, PAY)).toBe(reach);
  });
});

describe('whom a policy lets in', () => {
  it.each([
    ['nobody by itself, if it denies', { action: 'DENY', rules: [{}] }, undefined],
    ['nobody at all, without rules', { action: 'ALLOW', rules: [] }, []],
    ['every identity, where no rule says from whom', { action: 'ALLOW', rules: [{ to: [] }] }, ['every identity']],
    [
      'those that it names',
      { action: 'ALLOW', rules: [{ from: [{ workloads: ['shop/web'] }, { namespaces: ['ops'] }] }] },
      ['shop/web', 'ops/*'],
    ],
  ])('%s', (_, spec, callers) => {
    expect(admits(spec)).toEqual(callers);
  });
});
