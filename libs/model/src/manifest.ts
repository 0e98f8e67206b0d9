/** A document as users write it and as REST carries it. `status`, `uid` and `managedFields` are dropped on input. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    /** '' for kinds of the whole mesh. */
    readonly namespace: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly annotations: Readonly<Record<string, string>>;
  };
  readonly spec: Readonly<Record<string, unknown>>;
}

/** Names a stored resource for people: in errors, explain, status. */
export interface ResourceId {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}

/** Without whatever else the object carries. */
export const idOf = ({ kind, namespace, name }: ResourceId): ResourceId => ({ kind, namespace, name });

/** `HTTPRoute default/orders`, or `Mesh default` for a kind of the whole mesh. */
export const printId = (id: ResourceId): string => `${id.kind} ${id.namespace ? `${id.namespace}/` : ''}${id.name}`;

/** The key of a resource in graphs and indexes: `<kind>/<namespace>/<name>`. */
export const resourceKey = (id: ResourceId): string => `${id.kind}/${id.namespace}/${id.name}`;
