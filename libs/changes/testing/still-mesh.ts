/** For tests of this library: a mesh that stands still, compiled from manifests and instances, without a store. */
import { MeshGraph } from '#libs/compiler';
import type { PassBudget } from '#libs/incremental';
import {
  createRegistry,
  type Instance,
  type PolicyKind,
  type Registry,
  type ResourceId,
  referencesOf,
  resourceKey,
} from '#libs/model';
import type { Resources, StoredResource } from '#libs/store';
import { bySystem } from '../src/authorize.js';
import type { LiveMesh } from '../src/live.js';
import { beside } from '../src/plan/beside.js';
import { describe } from '../src/plan/envoy.js';
import { type Judgement, judge } from '../src/plan/judge.js';
import type { Plan } from '../src/plan/types.js';
import { prepare } from '../src/prepare.js';

export interface Proposal {
  readonly documents: readonly unknown[];
  readonly deletes?: readonly ResourceId[];
}

export interface Planned {
  readonly fork: Judgement['fork'];
  readonly effect: Omit<Judgement['effect'], 'envoy'> & Pick<Plan, 'envoy'>;
}

const MESH = 'default';

export class StillMesh implements LiveMesh {
  readonly graph: MeshGraph;
  configRevision = 0;
  readonly runtimeRevision = 0;
  readonly registry: Registry;
  readonly #rows = new Map<string, StoredResource>();
  readonly #users = new Map<string, ResourceId[]>();

  constructor(policies: readonly PolicyKind[]) {
    this.registry = createRegistry(policies);
    this.graph = new MeshGraph({ mesh: MESH, policies });
    this.graph.pass();
  }

  slice(): PassBudget {
    return { exhausted: () => false };
  }

  isConnected(): boolean {
    return true;
  }

  usersOf(id: ResourceId): readonly ResourceId[] {
    return this.#users.get(resourceKey(id)) ?? [];
  }

  /** Sets manifests as if they had been applied one after the other. @throws Error for one that is not valid */
  put(...documents: readonly unknown[]): this {
    for (const document of documents) this.#putOne(document);
    this.graph.pass();
    return this;
  }

  join(...instances: readonly Instance[]): this {
    for (const instance of instances) this.graph.setInstance(instance);
    this.graph.pass();
    return this;
  }

  /** What the plan of a proposal says. @throws Error with the violations of one that is refused */
  async plan(proposal: Proposal, drainPercent = 20): Promise<Planned> {
    const store: Parameters<typeof prepare>[0]['store'] = { ...UNUSED, resources: this.#resources() };
    const prepared = await prepare(
      { registry: this.registry, store, live: () => Promise.resolve(this) },
      { mesh: MESH, authorize: bySystem, mayKnow: () => true },
      { documents: proposal.documents.map((document) => ({ document })), deletes: proposal.deletes ?? [] },
    );
    if (!prepared.ok) throw new Error(JSON.stringify(prepared.error));
    const judged = await beside(this, prepared.value, (fork) =>
      judge(this, this, { prepared: prepared.value, fork }, { drainPercent }),
    );
    if (!judged.ok) throw new Error(JSON.stringify(judged.error));
    const envoy = await describe(judged.value.effect.envoy, 1_000, () => this.slice());
    return { ...judged.value, effect: { ...judged.value.effect, envoy } };
  }

  #putOne(document: unknown): void {
    const parsed = this.registry.parse(document, MESH);
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.error));
    const { manifest } = parsed.value;
    const id = { kind: manifest.kind, namespace: manifest.metadata.namespace, name: manifest.metadata.name };
    this.configRevision += 1;
    const revision = this.configRevision;
    const value = parsed.value.toDomain({ ...id, revision, createdRevision: revision });
    this.graph.setResource(id, value);
    if (id.kind === 'Service') this.graph.setAddress(`${id.namespace}/${id.name}`, revision + 1);
    for (const { to } of referencesOf(value)) this.#users.set(resourceKey(to), [...this.usersOf(to), id]);
    this.#rows.set(resourceKey(id), row(manifest, revision));
  }

  #resources(): Resources {
    const get: Resources['get'] = (_mesh, kind, namespace, name) =>
      Promise.resolve(this.#rows.get(resourceKey({ kind, namespace, name })));
    return { ...UNUSED.resources, get };
  }
}

type Manifest = Parameters<Resources['write']>[0]['items'][number] & { op: 'put' };

const row = (manifest: Manifest['manifest'], revision: number): StoredResource => ({
  uid: `${revision}`,
  mesh: MESH,
  kind: manifest.kind,
  apiVersion: manifest.apiVersion,
  ...manifest.metadata,
  spec: manifest.spec,
  version: 1,
  createdRevision: revision,
  updatedRevision: revision,
  createdAt: '',
  updatedAt: '',
});

const unused = (): never => {
  throw new Error('a plan of a still mesh reads rows and nothing else');
};
const UNUSED = {
  identity: unused,
  history: { list: unused, at: unused, between: unused, origins: unused, floor: unused },
  past: { between: unused, change: unused },
  plans: { insert: unused, get: unused },
  staged: {
    ...{ stage: unused, get: unused, list: unused, unfinished: unused, step: unused },
    ...{ report: unused, reports: unused, replicas: unused },
  },
  leases: { take: unused },
  plaintext: { report: unused, seen: () => Promise.resolve([]) },
  progress: { save: unused, begin: unused, resume: unused, of: () => Promise.resolve([]) },
  instances: {
    ...{ register: unused, get: unused, list: () => Promise.resolve([]) },
    ...{ onHost: unused, transition: unused, sweep: unused },
  },
  resources: { asOf: unused, write: unused, get: unused, list: unused, labelled: unused, meshes: unused },
};
