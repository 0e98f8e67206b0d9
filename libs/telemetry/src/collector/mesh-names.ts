import { createRegistry, type Registry, readStored, type ServicePort } from '#libs/model';
import type { FeedEvent, InstanceRow, StoredResource } from '#libs/store';

/** Who answers at an address. */
export interface KnownInstance {
  readonly namespace: string;
  /** `<namespace>/<workload>/<instance>` */
  readonly id: string;
  /** Its label `version`, '' without one. */
  readonly version: string;
  readonly zone: string;
  readonly labels: Readonly<Record<string, string>>;
}

export interface KnownService {
  /** `<namespace>/<service>` */
  readonly key: string;
  readonly namespace: string;
  readonly name: string;
  readonly ports: readonly ServicePort[];
  readonly hostnames: readonly string[];
  /** Of the instances that serve it; undefined of an external one. */
  readonly selector: Readonly<Record<string, string>> | undefined;
  /** Its endpoints are names, which may fail to resolve. */
  readonly resolves: boolean;
}

/** Who answers for a service port. */
export interface ServingInstances {
  /** `<namespace>/<service>/<port>` */
  readonly callee: string;
  readonly instances: readonly KnownInstance[];
}

interface Mesh {
  readonly instances: Map<string, KnownInstance>;
  readonly byAddress: Map<string, string>;
  /** Addresses of an instance, by `<namespace>/<instance>`, as in `byAddress`. */
  readonly addresses: Map<string, readonly string[]>;
  readonly services: Map<string, KnownService>;
  readonly byHostname: Map<string, string>;
}

/** What addresses and hosts stand for, as the feed says it. */
export class MeshNames {
  readonly #meshes = new Map<string, Mesh>();

  /** @param registry of kinds; by default without policies, which name nobody */
  constructor(private readonly registry: Registry = createRegistry([])) {}

  onEvent(event: FeedEvent): void {
    if (event.kind === 'snapshot') {
      this.#meshes.clear();
      for (const resource of event.snapshot.resources) this.#putResource(resource);
      for (const instance of event.snapshot.instances) this.#putInstance(instance);
      return;
    }
    for (const change of event.resources) {
      if (change.op === 'put') this.#putResource(change.resource);
      else if (change.kind.endsWith('Service')) this.#removeService(change);
    }
    for (const change of event.instances) {
      if (change.op === 'put') this.#putInstance(change.instance);
      else this.#removeInstance(this.#mesh(change.mesh), `${change.namespace}/${change.name}`);
    }
  }

  /** By `<namespace>/<instance>`. */
  instance(mesh: string, key: string): KnownInstance | undefined {
    return this.#meshes.get(mesh)?.instances.get(key);
  }

  /** Who is dialled at `<address>:<port>`. */
  instanceAt(mesh: string, address: string): KnownInstance | undefined {
    const known = this.#meshes.get(mesh);
    const key = known?.byAddress.get(address);
    return key === undefined ? undefined : known?.instances.get(key);
  }

  /** By `<namespace>/<service>`. */
  service(mesh: string, key: string): KnownService | undefined {
    return this.#meshes.get(mesh)?.services.get(key);
  }

  /** Whether anything is known of the mesh yet: who knows nothing tells nobody that he is wrong. */
  knows(mesh: string): boolean {
    return (this.#meshes.get(mesh)?.services.size ?? 0) > 0;
  }

  /** The service that callers of a namespace mean by a host name. */
  serviceNamed(mesh: string, namespace: string, host: string): KnownService | undefined {
    const known = this.#meshes.get(mesh);
    if (!known) return undefined;
    const claimed = known.byHostname.get(host);
    if (claimed !== undefined) return known.services.get(claimed);
    const suffix = `.${mesh}.mesh`;
    const [name = '', of = namespace, ...rest] = (host.endsWith(suffix) ? host.slice(0, -suffix.length) : host).split(
      '.',
    );
    return rest.length > 0 ? undefined : known.services.get(`${of}/${name}`);
  }

  /** The services of its namespace that select the instance, by name. */
  servicesOf(mesh: string, instance: KnownInstance): readonly KnownService[] {
    const services = [...(this.#meshes.get(mesh)?.services.values() ?? [])];
    return services
      .filter(({ namespace, selector }) => namespace === instance.namespace && selects(selector, instance.labels))
      .toSorted((a, b) => (a.key < b.key ? -1 : 1));
  }

  get meshes(): readonly string[] {
    return [...this.#meshes.keys()];
  }

  /** Every port of every service of the mesh, with the instances that it selects. */
  topology(mesh: string): readonly ServingInstances[] {
    const known = this.#meshes.get(mesh);
    if (!known) return [];
    const byNamespace = Map.groupBy(known.instances.values(), ({ namespace }) => namespace);
    return [...known.services.values()].flatMap(({ key, namespace, ports, selector }) => {
      const instances = (byNamespace.get(namespace) ?? []).filter(({ labels }) => selects(selector, labels));
      return ports.map(({ port }) => ({ callee: `${key}/${port}`, instances }));
    });
  }

  #mesh(name: string): Mesh {
    const known = this.#meshes.get(name) ?? {
      ...{
        instances: new Map(),
        byAddress: new Map(),
        addresses: new Map(),
        services: new Map(),
        byHostname: new Map(),
      },
    };
    this.#meshes.set(name, known);
    return known;
  }

  #putInstance(row: InstanceRow): void {
    const mesh = this.#mesh(row.mesh);
    const key = `${row.namespace}/${row.name}`;
    this.#removeInstance(mesh, key);
    mesh.instances.set(key, {
      namespace: row.namespace,
      id: `${row.namespace}/${row.workload}/${row.name}`,
      version: row.labels['version'] ?? '',
      zone: row.locality.zone,
      labels: row.labels,
    });
    const addresses = Object.values(row.bind.ports).map((port) => `${row.advertised}:${port}`);
    mesh.addresses.set(key, addresses);
    for (const address of addresses) mesh.byAddress.set(address, key);
  }

  #removeInstance(mesh: Mesh, key: string): void {
    // Another may have the address by now.
    for (const address of mesh.addresses.get(key) ?? []) {
      if (mesh.byAddress.get(address) === key) mesh.byAddress.delete(address);
    }
    mesh.addresses.delete(key);
    mesh.instances.delete(key);
  }

  #putResource(row: StoredResource): void {
    if (row.kind !== 'Service' && row.kind !== 'ExternalService') return;
    const mesh = this.#mesh(row.mesh);
    const service = this.#parse(row);
    this.#removeService(row);
    // What cannot be read is not served either.
    if (!service) return;
    mesh.services.set(service.key, service);
    for (const host of service.hostnames) mesh.byHostname.set(host, service.key);
  }

  #removeService({ mesh: name, namespace, name: service }: { mesh: string; namespace: string; name: string }): void {
    const mesh = this.#mesh(name);
    const key = `${namespace}/${service}`;
    for (const host of mesh.services.get(key)?.hostnames ?? []) {
      if (mesh.byHostname.get(host) === key) mesh.byHostname.delete(host);
    }
    mesh.services.delete(key);
  }

  #parse(row: StoredResource): KnownService | undefined {
    const { name, namespace } = row;
    const read = readStored(this.registry, row.mesh, row);
    if (!read.ok) return undefined;
    const { value: domain } = read;
    if (domain.type !== 'Service' && domain.type !== 'ExternalService') return undefined;
    const { ports, hostnames } = domain.value;
    return {
      ...{ key: `${namespace}/${name}`, namespace, name, ports, hostnames },
      selector: domain.type === 'Service' ? domain.value.selector : undefined,
      resolves: domain.type === 'ExternalService' && domain.value.resolution === 'DNS',
    };
  }
}

const selects = (
  selector: Readonly<Record<string, string>> | undefined,
  labels: Readonly<Record<string, string>>,
): boolean => selector !== undefined && Object.entries(selector).every(([name, value]) => labels[name] === value);
