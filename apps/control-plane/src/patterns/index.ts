import type { PatternReader } from '#libs/api';
import type { ObservedService } from '#libs/patterns';
import type { Store } from '#libs/store';
import type { MeshNames, ServingInstances } from '#libs/telemetry';
import { PatternWatch, type PatternWatchOptions } from './pattern-watch.js';
import { fromStored } from './stored-pattern.js';

/** Starts the search for patterns of failures in every mesh that is known by name. @returns stops it */
export function watchPatterns({
  names,
  ...options
}: Omit<PatternWatchOptions, 'meshes' | 'services'> & { readonly names: MeshNames }): () => Promise<void> {
  const services = (mesh: string): readonly ObservedService[] => names.topology(mesh).map(observed);
  return new PatternWatch({ ...options, meshes: () => names.meshes, services }).start();
}

const observed = ({ callee, instances }: ServingInstances): ObservedService => ({
  callee,
  workloads: [...new Set(instances.map(({ id }) => id.slice(0, id.lastIndexOf('/'))))],
  instances: instances.map(({ id, version, zone }) => ({ instance: id, version, zone })),
});

/** What the search has left, as REST tells it. */
export const patternReader = ({ patterns }: Pick<Store, 'patterns'>): PatternReader => ({
  list: async (mesh, from) => (await patterns.list(mesh, from)).flatMap((row) => fromStored(row) ?? []),
});
