import { EVERY_MESH, type Extent, type Labels, SERVER, type Verb } from './permissions.js';

/** One right: every member must hold. Undefined = whatever it is. */
export interface Grant {
  readonly verbs: ReadonlySet<Verb>;
  readonly kinds: ReadonlySet<string> | undefined;
  /** A mesh, or `EVERY_MESH`. */
  readonly mesh: string;
  readonly namespaces: ReadonlySet<string> | undefined;
  readonly names: ReadonlySet<string> | undefined;
  /** Objects must have all of these. */
  readonly labels: Labels;
  /** Where it comes from, for people: `role operator of the token`, `RoleBinding shop-team (role editor)`. */
  readonly from: string;
}

/** All rights of one caller. There is nothing that takes a right away: what no grant gives is not permitted. */
export class Rights {
  constructor(readonly grants: readonly Grant[]) {}

  /** True if everything in the extent is permitted. */
  covers(extent: Extent): boolean {
    return this.grantOf(extent) !== undefined;
  }

  /** The grant that covers the extent by itself: which one, for people. */
  grantOf(extent: Extent): Grant | undefined {
    return this.grants.find((grant) => covers(grant, extent));
  }

  /** True if anything in the extent may be permitted: what is absent from it, and the labels, are yet to be seen. */
  touches(extent: Extent): boolean {
    return this.grants.some((grant) => touches(grant, extent));
  }

  /** True if there is any right in the mesh: to others it does not exist (SEC-34). */
  isIn(mesh: string): boolean {
    return this.grants.some((grant) => isOf(grant, mesh));
  }

  /** True if this is permitted in some mesh, or for the server itself. */
  isAnywhere(extent: Omit<Extent, 'mesh'>): boolean {
    return this.grants.some((grant) => covers(grant, { ...extent, mesh: grant.mesh }));
  }

  /** True if it depends on the labels of an object whether this is permitted. */
  dependsOnLabels(extent: Extent): boolean {
    return !this.covers({ ...extent, labels: {} });
  }

  /** What of these grants is not held, as extents; empty = all is (nobody grants what he does not hold). */
  lacks(wanted: readonly Grant[]): readonly Extent[] {
    return wanted.flatMap(extentsOf).filter((extent) => !this.covers(extent));
  }
}

const has = (set: ReadonlySet<string> | undefined, value: string | undefined): boolean =>
  set === undefined || (value !== undefined && set.has(value));

const mayHave = (set: ReadonlySet<string> | undefined, value: string | undefined): boolean =>
  set === undefined || value === undefined || set.has(value);

const isOf = (grant: Grant, mesh: string): boolean => grant.mesh === EVERY_MESH || grant.mesh === mesh;

const selects = (selector: Labels, labels: Labels): boolean =>
  Object.entries(selector).every(([key, value]) => Object.hasOwn(labels, key) && labels[key] === value);

function covers(grant: Grant, { verb, kind, mesh, namespace, name, labels = {} }: Extent): boolean {
  return (
    grant.verbs.has(verb) &&
    isOf(grant, mesh) &&
    has(grant.kinds, kind) &&
    has(grant.namespaces, namespace) &&
    has(grant.names, name) &&
    selects(grant.labels, labels)
  );
}

function touches(grant: Grant, { verb, kind, mesh, namespace, name }: Extent): boolean {
  return (
    grant.verbs.has(verb) &&
    isOf(grant, mesh) &&
    mayHave(grant.kinds, kind) &&
    mayHave(grant.namespaces, namespace) &&
    mayHave(grant.names, name)
  );
}

/** A grant as the extents that it gives. One with a selector gives objects that have its labels, and may have others. */
function extentsOf({ verbs, kinds, mesh, namespaces, names, labels }: Grant): Extent[] {
  const every = [undefined];
  return [...verbs].flatMap((verb) =>
    [...(kinds ?? every)].flatMap((kind) =>
      [...(namespaces ?? every)].flatMap((namespace) =>
        [...(names ?? every)].map((name) => ({ verb, kind, mesh, namespace, name, labels })),
      ),
    ),
  );
}

/** Rights without those outside of the meshes; none given = all stay. What is of the server itself goes, too. */
export function within(meshes: readonly string[], grants: readonly Grant[]): readonly Grant[] {
  if (meshes.length === 0) return grants;
  return grants.flatMap((grant) => {
    if (grant.mesh === EVERY_MESH) return meshes.map((mesh) => ({ ...grant, mesh }));
    return grant.mesh !== SERVER && meshes.includes(grant.mesh) ? [grant] : [];
  });
}
