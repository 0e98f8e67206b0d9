import { describe, expect, it } from 'vitest';
import { MeshGraph, seenBy } from '#libs/compiler';
import { silentLog, silentMetrics, systemClock } from '#libs/kernel';
import { createRegistry } from '#libs/model';
import type { StoredResource } from '#libs/store';
import { policies } from '#policies';
import { bigMesh, meshTimeout } from '../../testing/src/builders/index.js';
import { Coordinator } from './coordinator.js';
import { MeshHost } from './mesh-host.js';
import { recompiler } from './recompile.js';

const registry = createRegistry(policies);
const SERVICES = 60;

/** A mesh as a replica has compiled it; a slice of the event loop is three looks at the clock. */
async function replica() {
  let time = 0;
  let slices = 0;
  const graph = new MeshGraph({ mesh: 'default', policies });
  const coordinator = new Coordinator({
    hostOf: (mesh) => new MeshHost(mesh, graph, registry, silentLog),
    publish: () => {},
    published: () => {},
    clock: { ...systemClock, monotonic: () => (time += 2) },
    log: silentLog,
    metrics: silentMetrics,
  });
  const snapshot = bigMesh({ services: SERVICES });
  coordinator.onEvent({ kind: 'snapshot', snapshot });
  await coordinator.settled();
  const recompile = recompiler({
    coordinator: {
      hostOrEmpty: (mesh) => coordinator.hostOrEmpty(mesh),
      slice: () => {
        slices += 1;
        return coordinator.slice();
      },
    },
    options: { policies, registry },
  });
  const [only = ''] = graph.instances;
  return { graph, snapshot, recompile, only, slices: () => slices };
}

const contents = (graph: MeshGraph, instance: string) =>
  new Map(seenBy(graph.ctx, instance).map(({ type, name, version }) => [`${type} ${name}`, version]));

describe('a mesh compiled of other resources', () => {
  it('of the same ones gives the same bytes, for one proxy only', async () => {
    const { graph, snapshot, recompile, only } = await replica();
    const compiled = await recompile('default', only, snapshot.resources);
    expect(contents(compiled.graph, only)).toEqual(contents(graph, only));
    expect(contents(graph, only).size).toBeGreaterThan(SERVICES);
    expect([compiled.graph.instances, compiled.withheld]).toEqual([[only], []]);
  });

  it('takes many turns, and touches nothing of the live one', async () => {
    const { graph, snapshot, recompile, only, slices } = await replica();
    const { run } = graph.counters;
    const before = contents(graph, only);
    const compiled = await recompile('default', only, [...snapshot.resources, meshTimeout('7s', 9)]);
    expect(slices()).toBeGreaterThan(SERVICES);
    expect(graph.counters.run).toBe(run);
    expect(contents(graph, only)).toEqual(before);
    const changed = [...contents(compiled.graph, only)].filter(([name, version]) => before.get(name) !== version);
    expect(changed.filter(([name]) => name.includes('RouteConfiguration')).length).toBeGreaterThan(0);
  });

  it('says what today no longer parses, and goes on without it', async () => {
    const { snapshot, recompile, only } = await replica();
    const bad: StoredResource = { ...meshTimeout('7s', 9), name: 'bad', spec: { request: 'soon' } };
    const { withheld } = await recompile('default', only, [...snapshot.resources, bad]);
    expect(withheld).toMatchObject([{ kind: 'TimeoutPolicy', name: 'bad' }]);
  });
});
