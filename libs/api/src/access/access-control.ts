import { type Authorize, type Denial, type ProposedWrite, toManifest, type Verdict } from '#libs/changes';
import {
  type DomainValue,
  type Extent,
  isReferenceAllowed,
  type KindInfo,
  type Labels,
  type Manifest,
  type Registry,
  type ResourceId,
  type Rights,
  resourceKey,
  type Verb,
} from '#libs/model';
import type { Resources } from '#libs/store';
import type { Principal } from '../http.js';
import { grantingDenials } from './granting.js';
import { NO_RIGHTS } from './no-rights.js';
import type { RolePolicies } from './role-policies.js';
import { meaningOf, type Need, needsOf, reachOf } from './write-rules.js';

/** Something with a kind and a place, of which somebody may or may not know. */
export interface Seen extends ResourceId {
  /** Of the object, where it has any. */
  readonly labels?: Labels | undefined;
}

export interface Visible<T> {
  readonly shown: readonly T[];
  /** How many there are beside: "and 14 others". */
  readonly hidden: number;
}

export interface AccessControlOptions {
  readonly registry: Registry;
  readonly resources: Pick<Resources, 'get' | 'list'>;
  readonly policies: RolePolicies;
}

/** One state of a resource that is about to be written. */
interface State {
  readonly manifest: Manifest;
  readonly value: DomainValue | undefined;
}

/** Answers who may read and write what: for handlers, beyond what the guard has asked already. */
export class AccessControl {
  constructor(private readonly options: AccessControlOptions) {}

  get kinds(): readonly KindInfo[] {
    return this.options.registry.kinds;
  }

  get policies(): RolePolicies {
    return this.options.policies;
  }

  /** Those of an API token; a proxy's token permits what its claims say and no more. */
  rightsOf(caller: Principal | undefined): Rights {
    return caller?.type === 'api' ? this.options.policies.rightsOf(caller) : NO_RIGHTS;
  }

  /** True if the caller may do this to the object. A mesh can be read by everybody who has any right in it. */
  may(caller: Principal | undefined, verb: Verb, mesh: string, item: Seen): boolean {
    const rights = this.rightsOf(caller);
    if (item.kind === 'Mesh' && verb === 'get') return rights.isIn(mesh);
    return this.homes(mesh, item).every((namespace) => rights.covers({ ...item, verb, mesh, namespace }));
  }

  /** A RoleBinding that is for some namespaces is read by who may read such in all of them. */
  private homes(mesh: string, { kind, namespace, name }: Seen): readonly (string | undefined)[] {
    if (kind !== 'RoleBinding') return [namespace];
    const binding = this.options.policies.bindingsIn(mesh).find((one) => one.name === name);
    return binding && binding.namespaces.length > 0 ? binding.namespaces : [''];
  }

  /** Splits what the caller may read from the rest. @param seen what each item is; one about several is shown if all are */
  visible<T>(
    caller: Principal | undefined,
    mesh: string,
    items: readonly T[],
    seen: (item: T) => Seen | readonly Seen[],
  ): Visible<T> {
    const shown = items.filter((item) => {
      const each = seen(item);
      const list: readonly Seen[] = 'kind' in each ? [each] : each;
      return list.every((one) => this.may(caller, 'get', mesh, one));
    });
    return { shown, hidden: items.length - shown.length };
  }

  /** A change of roles counts on this replica from the answer on. @throws StoreUnavailable */
  async follow({ items }: { readonly items: readonly ResourceId[] }): Promise<void> {
    if (items.some(({ kind }) => this.isAdministration(kind))) await this.options.policies.refresh();
  }

  /** `authorizeEach` for one caller and mesh: what `libs/changes` asks at the moment of the act. */
  authorizer(caller: Principal | undefined, mesh: string): Authorize {
    return (writes) => this.authorizeEach(caller, mesh, writes);
  }

  /**
   * Judges every write by the labels, places and targets that the resource has now and that it would have (SEC-48), so
   * that nobody moves an object into or out of his scope; and rights that are given by what the giver holds.
   * @throws StoreUnavailable
   */
  async authorizeEach(caller: Principal | undefined, mesh: string, writes: readonly ProposedWrite[]): Promise<Verdict> {
    // Rights that were taken away must not be used to give them back.
    if (writes.some(({ id }) => this.isAdministration(id.kind))) await this.options.policies.refresh();
    const rights = this.rightsOf(caller);
    const labels = await this.targetLabels(mesh, writes, rights);
    const denials: Denial[] = [];
    const decidedBy: ResourceId[] = [];
    for (const write of writes) {
      const needs = this.needs(mesh, write, labels);
      const missing = await this.firstMissing(rights, mesh, write, needs);
      if (missing) denials.push(this.denial(caller, mesh, write, missing));
      else denials.push(...grantingDenials({ ...this.options, rights, mesh, write, writes }));
      if (this.isDecidedByRow(rights, write, needs)) decidedBy.push(write.id);
    }
    return { denials, decidedBy };
  }

  private async firstMissing(
    rights: Rights,
    mesh: string,
    { id }: ProposedWrite,
    needs: readonly Need[],
  ): Promise<Need | undefined> {
    for (const need of needs) {
      if (rights.covers(need.extent)) continue;
      if (need.target === undefined || !(await this.isConsented(mesh, id, need.target))) return need;
    }
    return undefined;
  }

  /** A ReferenceGrant in the namespace of the target is its owner's consent; inside of a namespace there is none. */
  private async isConsented(mesh: string, from: ResourceId, target: ResourceId): Promise<boolean> {
    const { namespace } = target;
    if (from.namespace === namespace) return false;
    const query = { mesh, kind: 'ReferenceGrant', namespace, limit: 500 };
    const { items } = await this.options.resources.list(query);
    const grants = items.flatMap((row) => {
      const value = meaningOf(this.options.registry, mesh, toManifest(row));
      return value?.type === 'ReferenceGrant' ? [value.value] : [];
    });
    return isReferenceAllowed(from, target, grants);
  }

  private isAdministration(kind: string): boolean {
    return this.kinds.some((info) => info.kind === kind && info.group === 'administration');
  }

  private needs(mesh: string, write: ProposedWrite, labels: TargetLabels): readonly Need[] {
    const verb = verbOf(write);
    const states = this.states(mesh, write);
    if (states.length === 0) return [{ extent: { ...write.id, verb, mesh } }];
    return states.flatMap(({ manifest, value }) => needsOf({ verb, mesh, manifest, value }, labels));
  }

  private states(mesh: string, { before, after }: ProposedWrite): readonly State[] {
    return [before, after].flatMap((manifest) =>
      manifest === undefined ? [] : [{ manifest, value: meaningOf(this.options.registry, mesh, manifest) }],
    );
  }

  /** Labels, and of a binding its namespaces, are read outside of the write: it must find them as they were. */
  private isDecidedByRow(rights: Rights, { id, after }: ProposedWrite, needs: readonly Need[]): boolean {
    if (id.kind === 'RoleBinding') return true;
    const byLabels = needs.some(({ extent }) => rights.dependsOnLabels(extent));
    if (byLabels || after === undefined) return byLabels;
    // What is created may be there by then, and what is updated gone.
    return !(['create', 'update'] as const).every((verb) =>
      needs.every(({ extent }) => rights.covers({ ...extent, verb })),
    );
  }

  private denial(caller: Principal | undefined, mesh: string, write: ProposedWrite, { extent, reason }: Need): Denial {
    const { id, before, after } = write;
    const { kind, namespace, name } = id;
    const { labels: _, ...missing } = extent;
    const readable = before !== undefined && this.may(caller, 'get', mesh, { ...id, labels: before.metadata.labels });
    // Whoever may do this to no object here learns nothing about one by being told so.
    const hidden =
      after === undefined &&
      !readable &&
      this.rightsOf(caller).touches({ kind, name, verb: 'delete', mesh, namespace: namespace || undefined });
    return { resource: id, missing, hidden, ...(reason === undefined ? {} : { reason }) };
  }

  /** The labels of everything that the writes act upon, as they are and as this request makes them. */
  private async targetLabels(mesh: string, writes: readonly ProposedWrite[], rights: Rights): Promise<TargetLabels> {
    const known = new Map<string, Labels[]>();
    const note = (id: ResourceId, labels: Labels): void => {
      known.set(resourceKey(id), [...(known.get(resourceKey(id)) ?? []), labels]);
    };
    const looked = new Set(writes.map(({ id }) => resourceKey(id)));
    for (const { id, before, after } of writes) {
      for (const state of [before, after]) if (state) note(id, state.metadata.labels);
    }
    for (const write of writes) {
      for (const target of this.targetsOf(mesh, write)) {
        if (looked.has(resourceKey(target.id)) || !target.matters(rights)) continue;
        looked.add(resourceKey(target.id));
        const { kind, namespace, name } = target.id;
        const row = await this.options.resources.get(mesh, kind, namespace, name);
        if (row) note(target.id, row.labels);
      }
    }
    return (id) => known.get(resourceKey(id)) ?? [];
  }

  private targetsOf(mesh: string, write: ProposedWrite) {
    const verb = verbOf(write);
    return this.states(mesh, write).flatMap(({ manifest, value }) =>
      reachOf(value).targets.map(({ id }) => {
        const extent: Extent = {
          ...{ verb, kind: manifest.kind, mesh, namespace: id.namespace, name: manifest.metadata.name },
        };
        return { id, matters: (rights: Rights) => rights.dependsOnLabels(extent) };
      }),
    );
  }
}

type TargetLabels = (target: ResourceId) => readonly Labels[];

const verbOf = ({ before, after }: ProposedWrite): Verb =>
  after === undefined ? 'delete' : before === undefined ? 'create' : 'update';
