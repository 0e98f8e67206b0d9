import { beforeEach, describe, expect, it } from 'vitest';
import type { DomainValue, ResourceId } from '#libs/model';
import { policies } from '#policies';
import * as build from '../../testing/src/builders/index.js';
import { MeshGraph } from './mesh-graph.js';

let graph: MeshGraph;
beforeEach(() => {
  graph = new MeshGraph({ mesh: 'default', policies });
  const services = ['shop/web', 'shop/orders', 'other/tool'].map((id) => build.service(id));
  for (const value of services) set({ type: 'Service', value });
  for (const [i, value] of services.entries()) graph.setAddress(`${value.namespace}/${value.name}`, i + 2);
  for (const id of ['shop/web-1', 'shop/orders-1', 'other/tool-1']) graph.setInstance(build.instance(id));
  graph.pass();
});

const idOf = (value: DomainValue): ResourceId =>
  value.type === 'Mesh' ? { kind: 'Mesh', namespace: '', name: 'default' } : value.value.source;
const set = (value: DomainValue): void => graph.setResource(idOf(value), value);
const fork = (puts: readonly DomainValue[], deletes: readonly ResourceId[] = []) => graph.fork({ puts, deletes });

const policy = (spec: unknown, name = 'orders'): DomainValue => ({
  type: 'Policy',
  value: build.policy('TimeoutPolicy', `shop/${name}`, { target: { name: 'orders' }, spec }),
});
const route = (id: string, fields: Parameters<typeof build.route>[1] = {}): DomainValue => ({
  type: 'Route',
  value: build.route(id, { rules: [build.rule({ backends: [build.backend('shop/orders')] })], ...fields }),
});

describe('what a fork differs in', () => {
  it('is the resource with its content before and after, and every proxy that is sent it', () => {
    const changed = fork([policy({ request: '1s' })]);
    expect(changed.resources().map(({ cell, before, after }) => [cell, before?.version === after?.version])).toEqual([
      ['routes|shop/orders', false],
    ]);
    expect([...changed.proxies()].sort().map(([id, diff]) => [id, diff.changed])).toEqual(
      ['other/tool-1', 'shop/orders-1', 'shop/web-1'].map((id) => [id, ['routes|shop/orders']]),
    );
  });

  it('leaves out proxies whose namespace has routes of its own for the destination', () => {
    set({ type: 'ReferenceGrant', value: build.grant('shop', 'other') });
    set(route('other/mine', { parent: 'shop/orders' }));
    graph.pass();
    const changed = fork([route('shop/orders', { rules: [build.rule({ timeoutMs: 5 })] })]);
    expect([...changed.proxies().keys()].sort()).toEqual(['shop/orders-1', 'shop/web-1']);
  });

  it('knows what would come and go with a service, and with the layers that list it', () => {
    const added = fork([{ type: 'Service', value: build.service('shop/new') }]);
    expect(added.resources().every(({ before }) => before === undefined)).toBe(true);
    expect(added.proxies().size).toBe(3);
    const gone = fork([], [{ kind: 'Service', namespace: 'other', name: 'tool' }]);
    expect(gone.failures()).toEqual([]);
    expect(gone.resources().some(({ cell, after }) => cell === 'cluster|other/tool/8080' && !after)).toBe(true);
  });

  it('sees other layers of the same proxy when scoping changes, and nothing where nothing changes', () => {
    const value = build.mesh({ scoping: 'Declared' });
    const narrow = fork([{ type: 'Mesh', value }]);
    expect([...narrow.proxies().values()].every(({ removed }) => removed.length > 0)).toBe(true);
    expect(fork([{ type: 'Mesh', value: build.mesh() }]).proxies().size).toBe(0);
  });

  it('says what compiles now and would not, and nothing of what fails already', () => {
    const broken = { kind: 'TimeoutPolicy', namespace: 'shop', name: 'orders' };
    const failing = policy({ request: 'no duration' });
    const failures = fork([failing]).failures();
    expect(failures.map(({ key }) => key)).toEqual(['default|cluster|shop/orders/8080', 'default|routes|shop/orders']);
    graph.setResource(broken, failing);
    graph.pass();
    expect(fork([failing, policy({ request: '1s' }, 'other')]).failures()).toEqual([]);
  });

  it('reads the same as long as nothing that it was made from changes', () => {
    const marks = () => fork([policy({ request: '1s' })]).reads();
    const before = marks();
    set({ type: 'Service', value: build.service('other/more') });
    graph.setInstance(build.instance('shop/web-2'));
    graph.pass();
    expect(marks()).toEqual(before);
    set(policy({ request: '9s' }, 'second'));
    graph.pass();
    expect(marks()).not.toEqual(before);
    const added = marks().find(
      ({ kind, key }) => kind === 'client-policies-by-target' && key === 'Service|Service/shop/orders',
    );
    expect(graph.resourcesOf(added ?? { kind: '', key: '' }, added?.members)).toContainEqual({
      kind: 'TimeoutPolicy',
      namespace: 'shop',
      name: 'second',
    });
  });
});
