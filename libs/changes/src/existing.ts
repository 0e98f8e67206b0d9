import { type ResourceId, resourceKey, type Source } from '#libs/model';
import type { Store, StoredResource } from '#libs/store';

/** What a request finds in the store. */
export interface Existing {
  get(id: ResourceId): StoredResource | undefined;
  /** Where the resource will come from once it is written; a new one is younger than everything. */
  source(id: ResourceId): Source;
}

/** Reads at a time: enough to hide latency, few enough to leave the pool to others. */
const CONCURRENT_READS = 8;

/** Reads the present rows of the given resources, outside any transaction: good for warnings, not for decisions. */
export async function readExisting(
  store: Pick<Store, 'resources'>,
  mesh: string,
  ids: readonly ResourceId[],
): Promise<Existing> {
  const rows = new Map<string, StoredResource>();
  const waiting = [...ids];
  const reader = async (): Promise<void> => {
    for (let id = waiting.pop(); id !== undefined; id = waiting.pop()) {
      const row = await store.resources.get(mesh, id.kind, id.namespace, id.name);
      if (row !== undefined) rows.set(resourceKey(id), row);
    }
  };
  await Promise.all(Array.from({ length: Math.min(CONCURRENT_READS, ids.length) }, reader));
  const get = (id: ResourceId): StoredResource | undefined => rows.get(resourceKey(id));
  const source = (id: ResourceId): Source => {
    const { kind, namespace, name } = id;
    const createdRevision = get(id)?.createdRevision ?? Number.MAX_SAFE_INTEGER;
    return { kind, namespace, name, revision: Number.MAX_SAFE_INTEGER, createdRevision };
  };
  return { get, source };
}
