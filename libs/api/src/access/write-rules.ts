import {
  type DomainValue,
  type Extent,
  type Labels,
  type Manifest,
  type PolicyTarget,
  printId,
  type Registry,
  type ResourceId,
  type Route,
  readStored,
  type Verb,
} from '#libs/model';

/** Something that a write must be permitted for. */
export interface Need {
  readonly extent: Extent;
  /** Where it is not the resource itself. */
  readonly reason?: string;
  /** What is acted upon: its namespace may have consented by a ReferenceGrant. */
  readonly target?: ResourceId;
}

/** Another resource that a write acts upon: its labels count, too. */
export interface Target {
  readonly id: ResourceId;
  /** Nothing is needed if it is not there. */
  readonly ifThere: boolean;
}

/** What a state of a resource acts upon beside itself. */
export interface Reach {
  readonly targets: readonly Target[];
  /** Everything in its namespace, or in the mesh. */
  readonly all: 'nothing' | 'namespace' | 'mesh';
}

const NOTHING: Reach = { targets: [], all: 'nothing' };
const SOURCE = { revision: 0, createdRevision: 0 };

/** A stored document of which nothing can be made any more may have meant anything in its namespace. */
const UNKNOWN: Reach = { targets: [], all: 'namespace' };

/** The meaning of a manifest that is stored; undefined when nothing can be made of it any more: it may be written anew. */
export function storedMeaning(registry: Registry, mesh: string, manifest: Manifest): DomainValue | undefined {
  const { metadata, ...rest } = manifest;
  const read = readStored(registry, mesh, { ...rest, ...metadata, createdRevision: 0, updatedRevision: 0 });
  return read.ok ? read.value : undefined;
}

/** The meaning of a manifest that is to be written; undefined when it does not parse. */
export function meaningOf(registry: Registry, mesh: string, manifest: Manifest): DomainValue | undefined {
  const { namespace, ...metadata } = manifest.metadata;
  const document = { ...manifest, metadata: namespace === '' ? metadata : manifest.metadata };
  const parsed = registry.parse(document, mesh);
  return parsed.ok ? parsed.value.toDomain({ ...SOURCE, kind: manifest.kind, ...place(manifest) }) : undefined;
}

const place = ({ metadata: { namespace, name } }: Manifest) => ({ namespace, name });

/**
 * Where a resource reaches (SEC-48): a policy to its target, a route to the service whose traffic it moves, a Service or
 * ExternalService to its namesake of the other kind, which it would replace.
 */
export function reachOf(value: DomainValue | undefined): Reach {
  if (value === undefined) return UNKNOWN;
  switch (value.type) {
    case 'Policy':
      return policyReach(value.value.target);
    case 'Route':
      return routeReach(value.value);
    case 'Service':
      return namesake('ExternalService', value.value);
    case 'ExternalService':
      return namesake('Service', value.value);
    case 'AlertRule':
    case 'AlertReceiver':
      return value.value.scope === 'Mesh' ? { targets: [], all: 'mesh' } : NOTHING;
    case 'Mesh':
    case 'ServiceLevelObjective':
    case 'ReferenceGrant':
    case 'Role':
    case 'RoleBinding':
      return NOTHING;
  }
}

/** A route of another namespace than its parent's counts for the callers of its own namespace, all of them (GAMMA). */
function routeReach({ namespace, parents }: Route): Reach {
  const own = parents.filter((parent) => parent.namespace === namespace);
  return {
    targets: own.map((parent) => ({ id: idOf(parent), ifThere: false })),
    all: own.length < parents.length ? 'namespace' : 'nothing',
  };
}

const idOf = ({ kind, namespace, name }: ResourceId): ResourceId => ({ kind, namespace, name });

const namesake = (kind: string, { namespace, name }: { readonly namespace: string; readonly name: string }): Reach => ({
  all: 'nothing',
  targets: [{ id: { kind, namespace, name }, ifThere: true }],
});

function policyReach(target: PolicyTarget): Reach {
  if (target.level === 'Mesh') return { targets: [], all: 'mesh' };
  if (target.level === 'Namespace') return { targets: [], all: 'namespace' };
  return { all: 'nothing', targets: [{ id: idOf(target), ifThere: false }] };
}

/** Namespaces in which a resource is judged: its own; of a RoleBinding those that it is for; undefined = all of them. */
export function homesOf(value: DomainValue | undefined, { metadata }: Manifest): readonly (string | undefined)[] {
  if (value?.type === 'RoleBinding') return value.value.namespaces.length > 0 ? value.value.namespaces : [undefined];
  return [metadata.namespace];
}

/** What one state of a resource needs: itself, and what it reaches. @param labelsOf those of a target; undefined = not there */
export function needsOf(
  state: {
    readonly verb: Verb;
    readonly mesh: string;
    readonly manifest: Manifest;
    readonly value: DomainValue | undefined;
  },
  labelsOf: (target: ResourceId) => readonly Labels[],
): readonly Need[] {
  const { verb, mesh, manifest, value } = state;
  const { kind, metadata } = manifest;
  const { name, labels, namespace } = metadata;
  const own = homesOf(value, manifest).map(
    (home): Need => ({ extent: { verb, kind, mesh, namespace: home, name, labels } }),
  );
  const reach = reachOf(value);
  const wide: readonly Need[] =
    reach.all === 'nothing'
      ? []
      : [
          {
            extent: { verb, kind, mesh, namespace: reach.all === 'mesh' ? undefined : namespace, name, labels: {} },
            reason: `it applies to the whole ${reach.all}`,
          },
        ];
  const targets = reach.targets.flatMap(({ id, ifThere }): Need[] => {
    const known = labelsOf(id);
    if (known.length === 0 && ifThere) return [];
    const reason = `it acts on ${printId(id)}`;
    return (known.length === 0 ? [{}] : known).map((each) => {
      return { extent: { verb, kind, mesh, namespace: id.namespace, name, labels: each }, reason, target: id };
    });
  });
  return [...own, ...wide, ...targets];
}
