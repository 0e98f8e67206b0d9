/** A mesh of any size as rows of the store: n services with one HTTP port and one instance each, in 50 namespaces. */
import type { InstanceRow, Snapshot, StoredResource } from '#libs/store';

const NAMESPACES = 50;
const MESH = 'default';

export interface BigMesh {
  readonly services: number;
  /** How many services each service depends on, with scoping Declared; without it every proxy sees the whole mesh. */
  readonly dependencies?: number | undefined;
  /** How many of the services have their instance; all by default. */
  readonly instances?: number | undefined;
}

export const namespaceOf = (index: number): string => `ns${index % NAMESPACES}`;
export const serviceName = (index: number): string => `svc-${index}`;

/** A row of revision 1. The kind tells the API version: all of them are ours. */
export const storedRow = (
  kind: string,
  namespace: string,
  name: string,
  spec: Readonly<Record<string, unknown>>,
  revision = 1,
): StoredResource => ({
  uid: `${kind}/${namespace}/${name}`,
  mesh: MESH,
  kind,
  namespace,
  name,
  apiVersion: 'heddle.dev/v1alpha1',
  labels: {},
  annotations: {},
  spec,
  version: revision,
  createdRevision: 1,
  updatedRevision: revision,
  createdAt: '2026-01-01T00:00:00Z',
  updatedAt: '2026-01-01T00:00:00Z',
});

/** The one instance of a service. */
export function instanceRow(index: number, fields: Partial<InstanceRow> = {}): InstanceRow {
  const address = `10.${Math.floor(index / 65_536)}.${Math.floor(index / 256) % 256}.${index % 256}`;
  return {
    uid: `instance ${index}`,
    mesh: MESH,
    namespace: namespaceOf(index),
    workload: serviceName(index),
    name: `${serviceName(index)}-1`,
    labels: { workload: serviceName(index) },
    bind: { address, ports: { http: 8080 } },
    app: { address: '127.0.0.1', ports: { http: 8080 } },
    advertised: address,
    outbound: { address: '127.100.0.1', httpPort: 15001 },
    host: address,
    locality: { region: '', zone: '' },
    features: ['base', 'srds'],
    envoyVersion: '1.40.0',
    attached: [],
    routable: true,
    leaving: false,
    detachedAt: 0,
    runtimeRevision: 1,
    ...fields,
  };
}

/** Services in a row after this one, around the end: every service is depended on by as many as it depends on. */
const dependenciesOf = (index: number, { services, dependencies = 0 }: BigMesh): string[] =>
  Array.from({ length: Math.min(dependencies, services - 1) }, (_, i) => {
    const other = (index + 1 + i) % services;
    return `${namespaceOf(other)}/${serviceName(other)}`;
  });

export function serviceRow(index: number, mesh: BigMesh): StoredResource {
  return storedRow('Service', namespaceOf(index), serviceName(index), {
    ports: [{ name: 'http', port: 8080, protocol: 'http' }],
    ...(mesh.dependencies === undefined ? {} : { dependencies: dependenciesOf(index, mesh) }),
  });
}

/** A TimeoutPolicy of the whole mesh. */
export const meshTimeout = (request: string, revision = 2): StoredResource =>
  storedRow(
    'TimeoutPolicy',
    'ns0',
    'mesh-wide',
    { targetRef: { kind: 'Mesh', name: MESH }, request, connect: request },
    revision,
  );

/** A TimeoutPolicy of one service. */
export const serviceTimeout = (index: number, request: string, revision = 2): StoredResource =>
  storedRow(
    'TimeoutPolicy',
    namespaceOf(index),
    `timeout-${index}`,
    { targetRef: { kind: 'Service', name: serviceName(index) }, request, connect: request },
    revision,
  );

export function bigMesh(mesh: BigMesh): Snapshot {
  const indexes = Array.from({ length: mesh.services }, (_, index) => index);
  return {
    configRevision: 1,
    runtimeRevision: 1,
    resources: [
      storedRow('Mesh', '', MESH, mesh.dependencies === undefined ? {} : { scoping: 'Declared' }),
      ...indexes.map((index) => serviceRow(index, mesh)),
    ],
    instances: indexes.slice(0, mesh.instances).map((index) => instanceRow(index)),
    candidates: [],
    addresses: new Map(
      indexes.map((index) => [`${MESH}/${namespaceOf(index)}/${serviceName(index)}`, index + 1] as const),
    ),
  };
}
