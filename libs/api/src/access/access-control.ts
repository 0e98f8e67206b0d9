import type { Authorize, ProposedWrite, WriteContext, WriteVerdict } from '#libs/changes';
import type { KindInfo, Labels, Registry, ResourceId, Rights, Verb } from '#libs/model';
import type { Resources } from '#libs/store';
import type { Principal } from '../http.js';
import { NO_RIGHTS } from './no-rights.js';
import type { RolePolicies } from './role-policies.js';
import { judgeWrites } from './write-judge.js';

/** Something with a kind and a place, of which somebody may or may not know. */
export interface Seen extends ResourceId {
  /** Of the object, where it has any. */
  readonly labels?: Labels | undefined;
  /** Of a RoleBinding as it was: the namespaces that it was for. Undefined = those of the one in force. */
  readonly boundTo?: readonly string[] | undefined;
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
  private homes(mesh: string, { kind, namespace, name, boundTo }: Seen): readonly (string | undefined)[] {
    if (kind !== 'RoleBinding') return [namespace];
    const inForce = () => this.options.policies.bindingsIn(mesh).find((one) => one.name === name)?.namespaces;
    const namespaces = boundTo ?? inForce() ?? [];
    return namespaces.length > 0 ? namespaces : [''];
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

  /** What every request to `libs/changes` carries about its caller. */
  onBehalfOf(caller: Principal | undefined, mesh: string): Pick<WriteContext, 'authorize' | 'mayKnow'> {
    const rights = this.rightsOf(caller);
    return {
      authorize: this.authorizer(caller, mesh),
      mayKnow: (namespace) => rights.touches({ verb: 'get', mesh, namespace }),
    };
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
  async authorizeEach(
    caller: Principal | undefined,
    mesh: string,
    writes: readonly ProposedWrite[],
  ): Promise<WriteVerdict> {
    // Rights that were taken away must not be used to give them back.
    if (writes.some(({ id }) => this.isAdministration(id.kind))) await this.options.policies.refresh();
    const judging = {
      ...{ ...this.options, mesh, rights: this.rightsOf(caller) },
      mayKnow: (id: ResourceId, labels: Labels) => this.may(caller, 'get', mesh, { ...id, labels }),
    };
    return judgeWrites(judging, writes);
  }

  private isAdministration(kind: string): boolean {
    return this.kinds.some((info) => info.kind === kind && info.group === 'administration');
  }
}
