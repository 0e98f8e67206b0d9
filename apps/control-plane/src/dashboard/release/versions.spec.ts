import { describe, expect, it } from 'vitest';
import type { StoredResource } from '#libs/store';
import { versionsOf } from './versions.js';

const stored = (kind: string, spec: object): StoredResource => ({
  ...{ uid: '', mesh: 'default', kind, namespace: 'shop', name: 'orders', apiVersion: '', labels: {}, annotations: {} },
  ...{ spec: { ...spec }, version: 1, createdRevision: 1, updatedRevision: 1, createdAt: '', updatedAt: '' },
});
const instance = (version: string | undefined, routable: boolean) => {
  return { labels: { ...(version === undefined ? {} : { version }) }, routable };
};
const subset = (name: string) => ({ name, labels: { version: name } });
const to = (name: string, weight?: number) => ({
  name: 'orders',
  subset: name,
  ...(weight === undefined ? {} : { weight }),
});

const SERVICE = stored('Service', { subsets: [subset('blue'), subset('green')] });
const INSTANCES = [instance('green', true), instance('blue', true), instance('blue', false), instance(undefined, true)];

describe('versions side by side', () => {
  it.each([
    ['by weight', [{ backendRefs: [to('blue', 90), to('green', 10)] }], [undefined, 90, 10]],
    ['one each by default', [{ backendRefs: [to('blue'), to('green')] }], [undefined, 50, 50]],
    ['none where a route leaves it out', [{ backendRefs: [to('green', 1)] }], [undefined, 0, 100]],
    ['by the last rule', [{ backendRefs: [to('blue')] }, { backendRefs: [to('green')] }], [undefined, 0, 100]],
    ['not said by a route to all', [{ backendRefs: [{ name: 'orders' }] }], [undefined, undefined, undefined]],
  ])('have their share %s', (_, rules, weights) => {
    const { versions } = versionsOf(SERVICE, INSTANCES, [stored('HTTPRoute', { rules })]);
    expect(versions.map(({ version, ready, total }) => [version, ready, total])).toEqual([
      ['', 1, 1],
      ['blue', 1, 2],
      ['green', 1, 1],
    ]);
    expect(versions.map(({ weight }) => weight)).toEqual(weights);
  });
});
