import { shortType, TYPE } from '#libs/envoy-api';
import type { TypeUrl } from './types.js';

/** How the protocol treats one resource type (the table of the xDS specification, per type). */
export interface TypeSpec {
  readonly url: TypeUrl;
  /** `CDS`, for people and metric labels. */
  readonly short: string;
  /** State-of-the-world responses carry the whole subscribed set, and absence deletes (SOTW-4, SOTW-5). */
  readonly fullState: boolean;
  /** An empty first request subscribes to everything (WILD-1); for other types it subscribes to nothing. */
  readonly legacyWildcard: boolean;
  /** False: `*` means nothing. Envoy lists it for virtual hosts on a reconnect, and nobody gets all of them (OND-4). */
  readonly wildcard: boolean;
  /** There is no state-of-the-world form of it. */
  readonly deltaOnly: boolean;
  /** Asked for by aliases, and a name under which there is nothing is answered by a resource without content. */
  readonly aliased: boolean;
  /** Clients do not list what they hold of it when they come back (ENV-10). */
  readonly unlisted: boolean;
  /** False: `removed_resources` is never sent, clients cannot take it (DELTA-13). */
  readonly removable: boolean;
  /** Answered from the secret source, not from views; knows no wildcard. */
  readonly secret: boolean;
  /** An update travels alone, because a client that refuses a response does not say which resource is at fault (ENV-2). */
  readonly updatesAlone: boolean;
  /** The error text of a refused response names the resource at fault (observed for clusters and listeners). */
  readonly errorsNameResource: boolean;
  /** Types whose resources may require or name one of this type: users go first, what they use goes after them. */
  readonly users: readonly TypeUrl[];
  /** How a use shows: in `requires`, as the endpoints of a cluster, or only by a name in contents that are not read. */
  readonly usersAre: 'requiring' | 'clusters' | 'naming';
}

const PLAIN = {
  fullState: false,
  legacyWildcard: false,
  wildcard: true,
  deltaOnly: false,
  aliased: false,
  unlisted: false,
  removable: true,
  secret: false,
  updatesAlone: false,
  errorsNameResource: false,
  users: [],
  usersAre: 'naming',
} as const;

const spec = (url: TypeUrl, rest: Partial<TypeSpec>): TypeSpec => ({ ...PLAIN, url, short: shortType(url), ...rest });

const FULL = { fullState: true, legacyWildcard: true } as const;

/**
 * Known types in the order in which one change goes out (ORD-1): clusters, endpoints, secrets, listeners, scopes, routes,
 * virtual hosts. A route configuration goes last: a client asks for it only after the listener or scope that names it.
 */
const SPECS: readonly TypeSpec[] = [
  spec(TYPE.cluster, {
    ...FULL,
    errorsNameResource: true,
    users: [TYPE.listener, TYPE.scopedRoute, TYPE.route, TYPE.virtualHost],
    usersAre: 'requiring',
  }),
  spec(TYPE.endpoint, { users: [TYPE.cluster], usersAre: 'clusters' }),
  spec(TYPE.lbEndpoint, { wildcard: false, deltaOnly: true, unlisted: true }),
  spec(TYPE.secret, { removable: false, secret: true, wildcard: false }),
  spec(TYPE.listener, { ...FULL, errorsNameResource: true }),
  spec(TYPE.scopedRoute, { ...FULL }),
  spec(TYPE.route, { updatesAlone: true, users: [TYPE.listener, TYPE.scopedRoute] }),
  spec(TYPE.virtualHost, { wildcard: false, deltaOnly: true, aliased: true }),
  spec(TYPE.extension, { removable: false }),
  spec(TYPE.runtime, {}),
];

const BY_URL: ReadonlyMap<TypeUrl, TypeSpec> = new Map(SPECS.map((s) => [s.url, s]));
const ORDER: ReadonlyMap<TypeUrl, number> = new Map(SPECS.map((s, i) => [s.url, i]));

/** What is known of a type; `undefined` for a type that is not served (GEN-4). */
export const typeSpec = (url: TypeUrl): TypeSpec | undefined => BY_URL.get(url);

/** Place of a type in the order of ORD-1. */
export const typeOrder = (url: TypeUrl): number => ORDER.get(url) ?? SPECS.length;
