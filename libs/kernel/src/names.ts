/** Rules for the names of meshes, namespaces, services and everything else that users name. */

const LABEL = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

/** True for a DNS label (RFC 1123): 1 to 63 lower-case letters, digits and inner hyphens. */
export const isDnsLabel = (name: string): boolean => LABEL.test(name);

/** True for a DNS subdomain (RFC 1123): labels joined by dots, at most 253 characters. */
export const isDnsSubdomain = (name: string): boolean => name.length <= 253 && name.split('.').every(isDnsLabel);

/** The proxy that a credential or a node id names. Its `node.id` on the wire is `<mesh>/<namespace>/<workload>/<instance>`. */
export interface ProxyIdentity {
  readonly mesh: string;
  readonly namespace: string;
  /** What runs, and the identity it has: `orders-blue`. */
  readonly workload: string;
  /** One running copy of it: `orders-blue-1`. */
  readonly instance: string;
}

export const nodeId = (p: ProxyIdentity): string => `${p.mesh}/${p.namespace}/${p.workload}/${p.instance}`;

/** Parses a node id; `undefined` when it is not four DNS labels (the instance may be a DNS subdomain). */
export function parseNodeId(id: string): ProxyIdentity | undefined {
  const parts = id.split('/');
  const [mesh, namespace, workload, instance] = parts;
  if (parts.length !== 4 || !mesh || !namespace || !workload || !instance) return undefined;
  if (![mesh, namespace, workload].every(isDnsLabel) || !isDnsSubdomain(instance)) return undefined;
  return { mesh, namespace, workload, instance };
}

/** Form of a change's id: `c-<revision>`, from the first one on. */
export const CHANGE_ID = /^c-([1-9]\d{0,14})$/;

/** Id of the change that a config revision is: `c-41`. */
export const changeId = (revision: number): string => `c-${revision}`;

/** Config revision of a change; undefined for everything that is no such id, also for those of other sorts of changes. */
export function revisionOf(id: string): number | undefined {
  const digits = CHANGE_ID.exec(id)?.[1];
  return digits === undefined ? undefined : Number(digits);
}
