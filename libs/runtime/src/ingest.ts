/** Where rows of the feed go: the hosts of their meshes. */
import type { FeedEvent, Snapshot } from '#libs/store';
import type { MeshHost } from './mesh-host.js';

export type Delta = Extract<FeedEvent, { kind: 'delta' }>;

/** What the setters need of the coordinator. */
export interface Hosts {
  readonly known: ReadonlyMap<string, MeshHost>;
  /** The host of a mesh; makes it if need be. */
  readonly of: (mesh: string) => MeshHost;
}

/** Makes every mesh hold exactly what the snapshot has. @returns the meshes */
export function setSnapshot(hosts: Hosts, { resources, instances, addresses, candidates }: Snapshot): Set<string> {
  const meshes = new Set([
    ...hosts.known.keys(),
    ...resources.map((row) => row.mesh),
    ...instances.map((row) => row.mesh),
  ]);
  for (const mesh of meshes) {
    hosts.of(mesh).replaceAll(
      resources.filter((row) => row.mesh === mesh),
      instances.filter((row) => row.mesh === mesh),
    );
    hosts.of(mesh).setCandidate(candidates.find((one) => one.mesh === mesh));
  }
  setAddresses(hosts, addresses);
  return meshes;
}

/** @returns the meshes it touches */
export function setDelta(hosts: Hosts, { resources, instances, addresses, candidates }: Delta): Set<string> {
  const touched = new Set<string>();
  for (const change of resources) {
    const mesh = change.op === 'put' ? change.resource.mesh : change.mesh;
    touched.add(mesh);
    if (change.op === 'put') hosts.of(mesh).putResource(change.resource);
    else hosts.of(mesh).removeResource(change);
  }
  for (const change of instances) {
    const mesh = change.op === 'put' ? change.instance.mesh : change.mesh;
    touched.add(mesh);
    if (change.op === 'put') hosts.of(mesh).putInstance(change.instance);
    else hosts.of(mesh).removeInstance(change.namespace, change.name);
  }
  for (const [mesh, candidate] of candidates) {
    touched.add(mesh);
    hosts.of(mesh).setCandidate(candidate);
  }
  setAddresses(hosts, addresses);
  return touched;
}

function setAddresses(hosts: Hosts, addresses: ReadonlyMap<string, number>): void {
  for (const [key, number] of addresses) {
    const [mesh = '', namespace = '', name = ''] = key.split('/');
    hosts.of(mesh).graph.setAddress(`${namespace}/${name}`, number);
  }
}
