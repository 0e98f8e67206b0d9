import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { finish } from '#libs/kernel';
import type { Contribution, MetricTag, PolicyKind } from '#libs/model';
import { anInstance, aPolicy, aService, type Input, instance, TestMesh } from '../../testing/src/builders/index.js';
import { scrapingIn, sharedTags } from './scraping.js';

/** A kind about metrics alone: the most specific one counts. */
const TAGS: PolicyKind = {
  ...{ kind: 'TestTags', plural: 'testtags', summary: 'Tags, for tests.', side: 'proxy' },
  ...{ targets: ['Workload', 'Service', 'Mesh'], schema: z.unknown(), contributors: () => [] },
  resolve: ([first]) => first,
  toMetrics: (effective) => ({
    tags: (effective as Contribution<Readonly<Record<string, string>>>).spec as unknown as readonly MetricTag[],
  }),
};

const literal = (name: string, value: string): MetricTag => ({ name, value: { literal: value } });
const ofLabel = (name: string, label: string): MetricTag => ({ name, value: { label } });
const tags = (name: string, level: 'Mesh' | 'Workload' | 'Service', ...spec: readonly MetricTag[]): Input =>
  aPolicy('TestTags', `shop/${name}`, { target: { level, kind: level, name }, spec });
const of = (name: string, workload: string, labels: Readonly<Record<string, string>> = {}): Input =>
  anInstance(`shop/${name}`, { workload, labels: { ...labels, workload } });

const meshOf = (...inputs: readonly Input[]): TestMesh => {
  const mesh = new TestMesh([TAGS]);
  mesh.apply(...inputs);
  return mesh;
};
const MEMBERS: readonly Input[] = [
  aService('shop/orders', { selector: { app: 'orders' } }),
  of('web-1', 'web', { version: '1' }),
  of('blue-1', 'orders-blue', { app: 'orders', tier: 'gold', version: '1' }),
  of('blue-2', 'orders-blue', { app: 'orders', tier: 'gold', version: '2' }),
  of('green-1', 'orders-green', { app: 'orders', version: '2' }),
];

describe('how the statistics of a sidecar are read', () => {
  it('is as the most specific policy says, with the labels that the instance has', () => {
    const mesh = meshOf(
      ...MEMBERS,
      tags('default', 'Mesh', literal('org', 'acme'), ofLabel('tier', 'tier')),
      tags('web', 'Workload', literal('team', 'front')),
    );
    const read = scrapingIn(mesh.graph.ctx);
    const tagsOf = (workload: string, labels: Readonly<Record<string, string>>) =>
      read(instance('shop/x', { workload, labels })).tags;
    expect(tagsOf('web', {})).toEqual({ team: 'front' });
    expect(tagsOf('orders-blue', { tier: 'gold' })).toEqual({ org: 'acme', tier: 'gold' });
    expect(tagsOf('orders-green', { tier: '' })).toEqual({ org: 'acme' });
  });

  it('is of a workload or service what all of its instances have alike', () => {
    const all = [literal('org', 'acme'), ofLabel('tier', 'tier'), ofLabel('version', 'version')];
    const { graph } = meshOf(...MEMBERS, tags('default', 'Mesh', ...all));
    expect(finish(sharedTags(graph.ctx, graph.instances))).toEqual({
      workloads: {
        'shop/web': { org: 'acme', version: '1' },
        'shop/orders-blue': { org: 'acme', tier: 'gold' },
        'shop/orders-green': { org: 'acme', version: '2' },
      },
      services: { 'shop/orders': { org: 'acme' } },
    });
  });

  it('is plain when nobody says anything', () => {
    const { graph } = meshOf(...MEMBERS);
    expect(finish(sharedTags(graph.ctx, graph.instances))).toEqual({ workloads: {}, services: {} });
    expect(scrapingIn(graph.ctx)(instance('shop/x'))).toEqual({ tags: {}, detail: undefined });
  });
});
