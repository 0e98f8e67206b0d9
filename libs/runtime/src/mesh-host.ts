import type { MeshGraph } from '#libs/compiler';
import { defaultTrustDomain } from '#libs/identity';
import type { Log } from '#libs/kernel';
import {
  type DomainValue,
  type Instance,
  instanceSpecOf,
  type Manifest,
  type Mesh,
  printId,
  type Registry,
  type ResourceId,
  readPolicyTarget,
  referencesOf,
  resourceKey,
} from '#libs/model';
import type { Candidate, InstanceRow, Quarantine, ServedQuarantine, StoredResource } from '#libs/store';
import { MeshLanes } from './lanes/mesh-lanes.js';

/** A stored row that its kind no longer accepts: withheld from the graph, shown in the status of the resource. */
export interface Unparsable {
  readonly id: ResourceId;
  readonly message: string;
}

/** A stored resource as this replica takes it. */
export interface Taken {
  readonly id: ResourceId;
  readonly uid: string;
  /** Config revision of its last write. */
  readonly revision: number;
  readonly createdRevision: number;
  /** An earlier revision is served in its place. */
  readonly quarantine: Quarantine | undefined;
}

/** One mesh on this replica: its graph, fed with rows of the store. Nothing of one mesh can reach another. */
export class MeshHost {
  readonly #resources = new Map<string, Taken>();
  /** Resources by what they refer to: who would miss it. */
  readonly #users = new Map<string, Map<string, ResourceId>>();
  readonly #references = new Map<string, readonly string[]>();
  readonly #instances = new Map<string, InstanceRow>();
  readonly #unparsable = new Map<string, Unparsable>();
  #trustDomain: string;
  #trustDomainAliases: readonly string[] = [];
  /** What an open staged change makes otherwise for some. */
  readonly lanes: MeshLanes;

  constructor(
    readonly mesh: string,
    readonly graph: MeshGraph,
    private readonly registry: Registry,
    private readonly log: Log,
  ) {
    this.#trustDomain = defaultTrustDomain(mesh);
    this.lanes = new MeshLanes(graph);
  }

  /** The staged change that is open; undefined = none. */
  setCandidate(candidate: Candidate | undefined): void {
    this.lanes.want(
      candidate && {
        id: candidate.id,
        revision: candidate.revision,
        members: new Set(candidate.members),
        writes: { puts: this.#staged(candidate), deletes: candidate.deletes, addresses: candidate.addresses },
      },
    );
  }

  /** It was parsed when it was staged, by this build or the one before. */
  #staged({ id, puts }: Candidate): readonly DomainValue[] {
    return puts.flatMap((row) => {
      const value = this.parse(row);
      if (value.ok) return [value.value];
      const about = { mesh: this.mesh, change: id, resource: printId(row), reason: value.error };
      this.log.error('a staged resource does not parse and is left out of the lane', about);
      return [];
    });
  }

  /** Name under which the mesh's certificates are issued. */
  get trustDomain(): string {
    return this.#trustDomain;
  }

  /** Others under which certificates of the mesh's authority count. */
  get trustDomainAliases(): readonly string[] {
    return this.#trustDomainAliases;
  }

  /** Parses a row by its kind and sets it in the graph; a row that does not parse degrades this one resource only. */
  putResource(row: StoredResource): void {
    const id: ResourceId = { kind: row.kind, namespace: row.namespace, name: row.name };
    const { uid, updatedRevision: revision, createdRevision, quarantine } = row;
    const before = this.#resources.get(resourceKey(id))?.quarantine;
    this.#resources.set(resourceKey(id), { id, uid, revision, createdRevision, quarantine });
    if (quarantine || before) this.#sayQuarantine(id, before, quarantine);
    if (quarantine) this.#putQuarantined(id, row, quarantine);
    else this.#put(id, row, this.parse(row));
  }

  #trust({ trustDomain, trustDomainAliases }: Mesh): void {
    this.#trustDomain = trustDomain;
    this.#trustDomainAliases = trustDomainAliases;
  }

  #put(id: ResourceId, row: StoredResource, value: Parsed): void {
    if (value.ok) {
      this.#unparsable.delete(resourceKey(id));
      if (value.value.type === 'Mesh') this.#trust(value.value.value);
      this.graph.setResource(id, value.value);
      this.#note(
        id,
        referencesOf(value.value).map((reference) => resourceKey(reference.to)),
      );
      return;
    }
    this.#withhold(id, row, value.error);
  }

  /**
   * REL-25: everybody takes the revision that the quarantine names. Without one an access policy denies, and another policy
   * counts as absent; anything else is taken as it is, or as it was last seen here.
   */
  #putQuarantined(id: ResourceId, row: StoredResource, { document, useRevision, reason }: ServedQuarantine): void {
    const side = this.graph.sideOf(id.kind);
    if (document) this.#put(id, row, this.parse(formerRow(row, useRevision, document)));
    else if (side === 'server') this.#withhold(id, row, reason);
    else if (side !== undefined) {
      this.#unparsable.delete(resourceKey(id));
      this.#note(id, []);
      this.graph.removeResource(id);
    } else this.#put(id, row, this.parse(row));
  }

  #sayQuarantine(id: ResourceId, before: Quarantine | undefined, now: Quarantine | undefined): void {
    const resource = { mesh: this.mesh, resource: printId(id) };
    if (!now) {
      this.log.info('a resource is no longer in quarantine', resource);
    } else if (before?.badRevision !== now.badRevision || before.useRevision !== now.useRevision) {
      const { badRevision, useRevision, reason } = now;
      const fields = { ...resource, badRevision, useRevision, reason };
      this.log.error('a resource is in quarantine: its last revision cannot be evaluated', fields);
    }
  }

  #withhold(id: ResourceId, row: StoredResource, reason: string): void {
    const isNews = this.#unparsable.get(resourceKey(id))?.message !== reason;
    this.#unparsable.set(resourceKey(id), { id, message: reason });
    const place = { mesh: this.mesh, namespace: row.namespace, name: row.name };
    this.graph.withhold(id, readPolicyTarget(row.spec, place));
    const fields = { mesh: this.mesh, resource: printId(id), reason };
    if (isNews) this.log.error('a stored resource no longer parses and is withheld', fields);
  }

  /** Resources that refer to this one. */
  usersOf(id: ResourceId): readonly ResourceId[] {
    return [...(this.#users.get(resourceKey(id))?.values() ?? [])];
  }

  #note(id: ResourceId, references: readonly string[]): void {
    const key = resourceKey(id);
    for (const old of this.#references.get(key) ?? []) this.#users.get(old)?.delete(key);
    this.#references.set(key, references);
    for (const target of references) {
      const users = this.#users.get(target);
      if (users) users.set(key, id);
      else this.#users.set(target, new Map([[key, id]]));
    }
  }

  removeResource(id: ResourceId): void {
    this.#resources.delete(resourceKey(id));
    this.#note(id, []);
    this.#unparsable.delete(resourceKey(id));
    this.graph.removeResource(id);
  }

  putInstance(row: InstanceRow): void {
    this.#instances.set(`${row.namespace}/${row.name}`, row);
    this.graph.setInstance(toInstance(row));
  }

  removeInstance(namespace: string, name: string): void {
    this.#instances.delete(`${namespace}/${name}`);
    this.graph.removeInstance(namespace, name);
  }

  instance(namespace: string, name: string): InstanceRow | undefined {
    return this.#instances.get(`${namespace}/${name}`);
  }

  get instances(): Iterable<InstanceRow> {
    return this.#instances.values();
  }

  unparsable(id: ResourceId): Unparsable | undefined {
    return this.#unparsable.get(resourceKey(id));
  }

  get unparsables(): readonly Unparsable[] {
    return [...this.#unparsable.values()];
  }

  /** The stored resource; undefined when there is none. */
  taken(id: ResourceId): Taken | undefined {
    return this.#resources.get(resourceKey(id));
  }

  get resources(): Iterable<Taken> {
    return this.#resources.values();
  }

  /** Stored resources. */
  get size(): number {
    return this.#resources.size;
  }

  /** What an earlier revision of a stored resource means; undefined = it does not parse. */
  formerly({ id, createdRevision }: Taken, revision: number, manifest: Manifest): DomainValue | undefined {
    const parsed = this.parse(formerRow({ ...id, createdRevision }, revision, manifest));
    return parsed.ok ? parsed.value : undefined;
  }

  /** Makes the mesh hold exactly these rows: what is not among them is removed. */
  replaceAll(resources: readonly StoredResource[], instances: readonly InstanceRow[]): void {
    const keep = new Set(resources.map((row) => resourceKey(row)));
    for (const key of [...this.#resources.keys()]) {
      if (!keep.has(key)) this.removeResource(parseKey(key));
    }
    const keepInstances = new Set(instances.map((row) => `${row.namespace}/${row.name}`));
    for (const row of [...this.#instances.values()]) {
      if (!keepInstances.has(`${row.namespace}/${row.name}`)) this.removeInstance(row.namespace, row.name);
    }
    for (const row of resources) this.putResource(row);
    for (const row of instances) this.putInstance(row);
  }

  private parse(row: Parsable): Parsed {
    const metadata = {
      name: row.name,
      ...(row.namespace ? { namespace: row.namespace } : {}),
      labels: row.labels,
      annotations: row.annotations,
    };
    const parsed = this.registry.parse(
      { apiVersion: row.apiVersion, kind: row.kind, metadata, spec: row.spec },
      this.mesh,
    );
    if (!parsed.ok) return { ok: false, error: parsed.error.map((v) => `${v.path}: ${v.message}`).join('; ') };
    const source = {
      kind: row.kind,
      namespace: row.namespace,
      name: row.name,
      revision: row.updatedRevision,
      createdRevision: row.createdRevision,
    };
    return { ok: true, value: parsed.value.toDomain(source) };
  }
}

type Parsable = ResourceId &
  Pick<StoredResource, 'apiVersion' | 'labels' | 'annotations' | 'spec' | 'createdRevision' | 'updatedRevision'>;
type Parsed = { readonly ok: true; readonly value: DomainValue } | { readonly ok: false; readonly error: string };

/** A resource with the content that it had at an earlier revision. */
const formerRow = <R extends ResourceId & Pick<StoredResource, 'createdRevision'>>(
  row: R,
  revision: number,
  { apiVersion, spec, metadata: { labels, annotations } }: Manifest,
): R & Parsable => ({ ...row, apiVersion, spec, labels, annotations, updatedRevision: revision });

function parseKey(key: string): ResourceId {
  const [kind = '', namespace = '', ...name] = key.split('/');
  return { kind, namespace, name: name.join('/') };
}

/**
 * What the compiler may see of an instance: attachments and times stay outside, so that they cannot cause a pass, and so
 * does where Prometheus reads, which is no part of what Envoys are told.
 */
function toInstance(row: InstanceRow): Instance {
  const { metrics: _, ...spec } = instanceSpecOf(row);
  return { ...spec, features: row.features, routable: row.routable && !row.leaving };
}
