import { describe, expect, it } from 'vitest';
import { createRegistry } from '#libs/model';
import { policies } from '#policies';
import { admits, reachOf } from './concerns.js';

const PAY = { namespace: 'shop', name: 'payments' };
const WHERE = { registry: createRegistry(policies), mesh: 'default' };
const ofKind = (kind: string, name: string, more: object = {}) => ({ kind, name, ...more });
const toPay = (more: object = {}) => ({ targetRef: ofKind('Service', 'payments', more) });
const parents = (name: string) => [{ group: '', kind: 'Service', name }];
const backend = (name: string, more: object = {}) => ({ name, port: 80, ...more });

const KINDS = {
  policy: { kind: 'TimeoutPolicy', apiVersion: 'heddle.dev/v1alpha1' },
  route: { kind: 'HTTPRoute', apiVersion: 'gateway.networking.k8s.io/v1' },
  external: { kind: 'ExternalService', apiVersion: 'heddle.dev/v1alpha1' },
};

describe('what has to do with a service', () => {
  it.each([
    ['a policy that names it', 'policy', 'shop', toPay(), { reach: 'service' }],
    ['one for a port of it', 'policy', 'shop', toPay({ sectionName: 'admin' }), { reach: 'service', port: 'admin' }],
    ['one from another namespace', 'policy', 'ops', toPay({ namespace: 'shop' }), { reach: 'service' }],
    ['one of its namesake elsewhere', 'policy', 'bank', toPay(), undefined],
    [
      'one for an external service of its name',
      'policy',
      'shop',
      { targetRef: ofKind('ExternalService', 'payments') },
      undefined,
    ],
    ['a policy for its namespace', 'policy', 'shop', { request: '3s' }, { reach: 'namespace' }],
    ['a policy for another namespace', 'policy', 'bank', { request: '3s' }, undefined],
    ['a policy for the mesh', 'policy', 'ops', { targetRef: ofKind('Mesh', 'default') }, { reach: 'mesh' }],
    ['a policy whose target cannot be read', 'policy', 'shop', { targetRef: 3 }, undefined],
    ['a policy whose rest cannot be read', 'policy', 'shop', { request: 3 }, { reach: 'namespace' }],
    ['a route whose parent it is', 'route', 'shop', { parentRefs: parents('payments') }, { reach: 'service' }],
    [
      'a route that sends to it',
      'route',
      'shop',
      { parentRefs: parents('web'), rules: [{ backendRefs: [backend('payments')] }] },
      { reach: 'service' },
    ],
    [
      'a route that mirrors to it',
      'route',
      'ops',
      {
        parentRefs: parents('web'),
        rules: [
          {
            filters: [
              { type: 'RequestMirror', requestMirror: { backendRef: backend('payments', { namespace: 'shop' }) } },
            ],
            backendRefs: [backend('web')],
          },
        ],
      },
      { reach: 'service' },
    ],
    ['a route of others', 'route', 'shop', { parentRefs: parents('web'), rules: [] }, undefined],
    ['what else there is in its namespace', 'external', 'shop', { hostnames: ['payments.example'] }, undefined],
  ] as const)('%s', (_, what, namespace, spec, reached) => {
    expect(reachOf({ ...KINDS[what], namespace, name: 'x', spec }, WHERE)(PAY)).toEqual(reached);
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
