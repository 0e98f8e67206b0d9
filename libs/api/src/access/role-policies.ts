import { type Log, sortedBy } from '#libs/kernel';
import {
  builtInRules,
  EVERY_MESH,
  type Grant,
  grantsOf,
  isBuiltInRole,
  type Registry,
  Rights,
  type Role,
  type RoleBinding,
  type RoleRule,
  type RoleSubject,
  readStored,
  whyUnreadable,
  within,
} from '#libs/model';
import type { Feed, FeedEvent, StoredResource } from '#libs/store';
import type { ApiPrincipal } from '../auth.ports.js';

/** Roles and bindings of one mesh. */
interface MeshRoles {
  readonly roles: Map<string, Role>;
  readonly bindings: Map<string, RoleBinding>;
}

/** What rights come from. */
type Holder = Pick<ApiPrincipal, 'subject' | 'name' | 'role' | 'groups' | 'meshes'>;

/** Rights of callers that are remembered between two changes of roles. */
const REMEMBERED = 4_096;

export interface RolePoliciesOptions {
  readonly registry: Registry;
  readonly feed: Pick<Feed, 'connected' | 'poke'>;
  readonly log: Log;
}

/**
 * Who holds what, from the Roles and RoleBindings of all meshes. Kept up to date by the change feed: a change counts on
 * the replica that took it at once, on others when the feed brings it, which is 2 s at the latest while Postgres can be
 * reached; without Postgres nobody is let in.
 */
export class RolePolicies {
  readonly #options: RolePoliciesOptions;
  readonly #listeners = new Set<() => void>();
  #meshes = new Map<string, MeshRoles>();
  #rights = new Map<string, Rights>();

  constructor(options: RolePoliciesOptions) {
    this.#options = options;
  }

  /** Takes over what the feed brings; to be called before anything else that could fail on it. */
  onEvent(event: FeedEvent): void {
    if (event.kind === 'snapshot') {
      this.#meshes = new Map();
      for (const row of event.snapshot.resources) if (isAboutRoles(row)) this.#put(row);
      this.#changed();
      return;
    }
    const changes = event.resources.filter((change) => isAboutRoles(change.op === 'put' ? change.resource : change));
    for (const change of changes) {
      if (change.op === 'put') this.#put(change.resource);
      else this.#remove(change);
    }
    if (changes.length > 0) this.#changed();
  }

  /** Calls `listener` whenever rights may have changed. @returns a function that ends it */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Brings what was committed before the call. @throws StoreUnavailable */
  refresh(): Promise<void> {
    return this.#options.feed.poke();
  }

  /** The same, if the feed has lost touch: rights that may be old let nobody in. @throws StoreUnavailable */
  async requireFresh(): Promise<void> {
    if (!this.#options.feed.connected) await this.refresh();
  }

  /** Everything that a caller may do: by a token's own role, and by what bindings give to his name and his groups. */
  rightsOf(token: Holder & Pick<ApiPrincipal, 'id'>): Rights {
    const known = this.#rights.get(token.id);
    if (known) return known;
    const rights = new Rights(this.grantsOf(token));
    if (this.#rights.size >= REMEMBERED) this.#rights = new Map();
    this.#rights.set(token.id, rights);
    return rights;
  }

  grantsOf(holder: Holder): readonly Grant[] {
    const { role, meshes } = holder;
    const { kinds } = this.#options.registry;
    const own =
      role === 'none'
        ? []
        : grantsOf(builtInRules(role, kinds), kinds, {
            ...{ mesh: EVERY_MESH, namespaces: [], labels: {} },
            from: `role ${role} of the token`,
          });
    const bound = [...this.#meshes].flatMap(([mesh, { bindings }]) =>
      [...bindings.values()]
        .filter(({ subjects }) => subjects.some((subject) => isNamed(holder, subject)))
        .flatMap((binding) => this.grantsOfBinding(mesh, binding, this.rulesOf(mesh, binding.role) ?? [])),
    );
    return within(meshes, [...own, ...bound]);
  }

  /** What a binding gives. @param rules those of its role */
  grantsOfBinding(mesh: string, binding: RoleBinding, rules: readonly RoleRule[]): readonly Grant[] {
    const { namespaces, labels, name, role } = binding;
    return grantsOf(rules, this.#options.registry.kinds, {
      ...{ mesh, namespaces, labels },
      from: `RoleBinding ${name} (role ${role})`,
    });
  }

  /** The rules of a built-in role or a Role of the mesh; undefined = there is none of this name. */
  rulesOf(mesh: string, role: string): readonly RoleRule[] | undefined {
    if (isBuiltInRole(role)) return builtInRules(role, this.#options.registry.kinds);
    return this.#meshes.get(mesh)?.roles.get(role)?.rules;
  }

  rolesIn(mesh: string): readonly Role[] {
    return sortedBy([...(this.#meshes.get(mesh)?.roles.values() ?? [])], ({ name }) => name);
  }

  bindingsIn(mesh: string): readonly RoleBinding[] {
    return sortedBy([...(this.#meshes.get(mesh)?.bindings.values() ?? [])], ({ name }) => name);
  }

  #of(mesh: string): MeshRoles {
    const known = this.#meshes.get(mesh);
    if (known) return known;
    const made = { roles: new Map<string, Role>(), bindings: new Map<string, RoleBinding>() };
    this.#meshes.set(mesh, made);
    return made;
  }

  #changed(): void {
    this.#rights = new Map();
    for (const listener of this.#listeners) listener();
  }

  #put(row: StoredResource): void {
    this.#remove(row);
    const { kind, name } = row;
    const read = readStored(this.#options.registry, row.mesh, row);
    if (!read.ok) {
      // It gives nothing then: rights are what could be read, never what is guessed.
      this.#options.log.error('a stored role or binding no longer parses and gives no rights', {
        mesh: row.mesh,
        resource: `${kind} ${name}`,
        reason: whyUnreadable(read.error),
      });
      return;
    }
    const { value } = read;
    if (value.type === 'Role') this.#of(row.mesh).roles.set(name, value.value);
    if (value.type === 'RoleBinding') this.#of(row.mesh).bindings.set(name, value.value);
  }

  #remove({ mesh, kind, name }: { readonly mesh: string; readonly kind: string; readonly name: string }): void {
    const known = this.#meshes.get(mesh);
    if (kind === 'Role') known?.roles.delete(name);
    else known?.bindings.delete(name);
  }
}

/** Whether a subject of a RoleBinding is this caller: tokens and users of one name are not the same. */
export const isNamed = ({ subject, name, groups }: Holder, wanted: RoleSubject): boolean =>
  wanted.kind === 'Group' ? groups.includes(wanted.name) : wanted.kind === (subject ?? 'Token') && wanted.name === name;

const isAboutRoles = ({ kind }: { readonly kind: string }): boolean => kind === 'Role' || kind === 'RoleBinding';
