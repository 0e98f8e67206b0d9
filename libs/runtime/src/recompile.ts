import type { Recompile } from '#libs/changes';
import { MeshGraph } from '#libs/compiler';
import { silentLog } from '#libs/kernel';
import type { StoredResource } from '#libs/store';
import type { Coordinator } from './coordinator.js';
import { MeshHost } from './mesh-host.js';
import type { RuntimeOptions } from './options.js';

export interface RecompilerDeps {
  readonly coordinator: Pick<Coordinator, 'hostOrEmpty' | 'slice'>;
  readonly options: Pick<RuntimeOptions, 'policies' | 'registry'>;
}

/** Lets others have their turn of the event loop. */
const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

/**
 * What one proxy would be sent if these were the mesh's resources: by this build's compiler, with the instances and
 * allocated addresses that there are now. Beside the live mesh, of which nothing is touched, in slices.
 */
export const recompiler =
  ({ coordinator, options }: RecompilerDeps): Recompile =>
  async (mesh, only, resources) => {
    const live = coordinator.hostOrEmpty(mesh);
    const graph = new MeshGraph({ mesh, policies: options.policies, only });
    // What does not parse is part of the answer.
    const host = new MeshHost(mesh, graph, options.registry, silentLog);
    await inTurns(resources, coordinator, (row) => {
      host.putResource(row);
      setAddress(live.graph, graph, row);
    });
    await inTurns([...live.instances], coordinator, (row) => host.putInstance(row));
    const pass = graph.begin();
    for (;;) {
      const budget = coordinator.slice();
      // Adoption cannot be cut: it has a turn of its own when this one was used up.
      if (pass.step(budget) && !budget.exhausted()) break;
      await turn();
    }
    pass.adopt();
    return { graph, withheld: resources.filter((row) => host.unparsable(row)) };
  };

/** Numbers of services are kept as long as there are services: those of deleted ones are gone, and so are their listeners. */
function setAddress(from: MeshGraph, to: MeshGraph, { kind, namespace, name }: StoredResource): void {
  const service = `${namespace}/${name}`;
  const number = kind === 'Service' ? from.addressOf(service) : undefined;
  if (number !== undefined) to.setAddress(service, number);
}

async function inTurns<T>(
  items: readonly T[],
  coordinator: Pick<Coordinator, 'slice'>,
  task: (item: T) => void,
): Promise<void> {
  let budget = coordinator.slice();
  for (const item of items) {
    task(item);
    if (!budget.exhausted()) continue;
    await turn();
    budget = coordinator.slice();
  }
}
