import { describe, expect, it } from 'vitest';
import { touchedBy } from './touched-by.js';

const document = (kind: string, spec: Record<string, unknown>, namespace = 'shop') => ({
  apiVersion: 'heddle.dev/v1alpha1',
  kind,
  metadata: { name: 'it', namespace, labels: {}, annotations: {} },
  spec,
});

describe('what a resource has to do with', () => {
  it.each([
    ['a service', document('Service', { ports: [] }), ['shop/it']],
    [
      'a policy of a service',
      document('RetryPolicy', { targetRef: { kind: 'Service', name: 'orders' } }),
      ['shop/it', 'shop/orders'],
    ],
    [
      'a policy of a service elsewhere',
      document('RetryPolicy', { targetRef: { kind: 'Service', name: 'db', namespace: 'data' } }),
      ['shop/it', 'data/db'],
    ],
    [
      'a route, its parents and its backends',
      document('HTTPRoute', {
        parentRefs: [{ kind: 'Service', name: 'orders' }],
        rules: [
          {
            backendRefs: [
              { name: 'orders', port: 80 },
              { name: 'new', namespace: 'labs' },
            ],
          },
          {},
        ],
      }),
      ['shop/it', 'shop/orders', 'shop/orders', 'labs/new'],
    ],
    ['a policy of its namespace', document('AuthorizationPolicy', { action: 'ALLOW' }), undefined],
    ['a policy of the mesh', document('TimeoutPolicy', { targetRef: { kind: 'Mesh', name: 'm' } }), undefined],
    ['the mesh', document('Mesh', {}, ''), undefined],
    ['what no longer parses', document('HTTPRoute', { rules: 'none', parentRefs: 7 }), ['shop/it']],
  ])('%s', (_, manifest, touches) => {
    expect(touchedBy(manifest)).toEqual(touches);
  });
});
