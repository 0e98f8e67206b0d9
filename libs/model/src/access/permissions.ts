/** Everything that can be permitted. PATCH is an `update`; `watch` is an open stream of events. */
export const VERBS = ['get', 'list', 'watch', 'create', 'update', 'delete', 'bind', 'escalate'] as const;
export type Verb = (typeof VERBS)[number];

/**
 * What is permitted like a kind, though it is no manifest. ApiToken and Metrics belong to the server as a whole; the
 * others to a mesh.
 */
export const RUNTIME_KINDS = [
  'Instance',
  'Proxy',
  'ProxyToken',
  'ApiToken',
  'Audit',
  'Metrics',
  'Alert',
  'Silence',
] as const;

/** Of the server itself instead of a mesh. */
export const SERVER = '';
/** Every mesh, and the server itself. */
export const EVERY_MESH = '*';

export type Labels = Readonly<Record<string, string>>;

/**
 * What somebody wants to do, as wide as it is: a member that is absent means every one. Labels are those of the object;
 * none are also what "every object" has, so that a right with a selector never covers a whole namespace.
 */
export interface Extent {
  readonly verb: Verb;
  readonly kind?: string | undefined;
  /** `SERVER` = the server itself, `EVERY_MESH` = all. */
  readonly mesh: string;
  /** '' for kinds of the whole mesh. */
  readonly namespace?: string | undefined;
  readonly name?: string | undefined;
  readonly labels?: Labels | undefined;
}

/** `update HTTPRoute shop/orders in mesh default`: names a permission for people. */
export function printExtent({ verb, kind = 'every kind', mesh, namespace, name }: Extent): string {
  const within = namespace ? `${namespace}/` : '';
  const place = name === undefined ? (namespace ? ` in namespace ${namespace}` : '') : ` ${within}${name}`;
  if (mesh === SERVER) return `${verb} ${kind}${place}`;
  return `${verb} ${kind}${place} ${mesh === EVERY_MESH ? 'in every mesh' : `in mesh ${mesh}`}`;
}
