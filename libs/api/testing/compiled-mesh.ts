/** For tests of what asks the graph: the mesh as the database has it, compiled when it is asked for. */
import type { LiveMesh } from '#libs/changes';
import type { Instance } from '#libs/model';
import type { ServedApi } from './served-api.js';

/** @param graph an empty one */
export async function compiledMesh(
  { store, deps: { registry } }: ServedApi,
  mesh: string,
  { graph, instances }: { readonly graph: LiveMesh['graph']; readonly instances: readonly Instance[] },
): Promise<LiveMesh> {
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
  for (const one of instances) graph.setInstance(one);
  graph.pass();
  const { configRevision } = await store.identity();
  return {
    ...{ graph, configRevision, runtimeRevision: 0 },
    slice: () => ({ exhausted: () => false }),
    usersOf: () => [],
    isConnected: () => true,
  };
}
