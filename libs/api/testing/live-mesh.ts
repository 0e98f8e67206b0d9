/** For tests of this library: the mesh of a served API, compiled from its database when it is asked for. */
import type { LiveMesh } from '#libs/changes';
import { MeshGraph } from '#libs/compiler';
import type { Instance } from '#libs/model';
import { policies } from '#policies';
import type { ServedApi } from './served-api.js';

export async function liveMesh(
  { store, deps: { registry } }: ServedApi,
  mesh: string,
  instances: readonly Instance[],
): Promise<LiveMesh> {
  const graph = new MeshGraph({ mesh, policies });
  for (const { kind } of registry.kinds) {
    const { items } = await store.resources.list({ mesh, kind, limit: 500 });
    for (const row of items) {
      const { apiVersion, namespace, name, labels, annotations, spec, updatedRevision, createdRevision } = row;
      const parsed = registry.parse(
        { apiVersion, kind, metadata: { namespace: namespace || undefined, name, labels, annotations }, spec },
        mesh,
      );
      if (!parsed.ok) throw new Error(JSON.stringify(parsed.error));
      const id = { kind, namespace, name };
      graph.setResource(id, parsed.value.toDomain({ ...id, revision: updatedRevision, createdRevision }));
    }
  }
  for (const instance of instances) graph.setInstance(instance);
  graph.pass();
  const { configRevision } = await store.identity();
  return {
    ...{ graph, configRevision, runtimeRevision: 0 },
    slice: () => ({ exhausted: () => false }),
    usersOf: () => [],
  };
}
