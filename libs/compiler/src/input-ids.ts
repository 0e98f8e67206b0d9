/** Which stored resource a domain value, or an input of the graph, is. */
import type { CellName } from '#libs/incremental';
import type { DomainValue, ResourceId } from '#libs/model';
import { CLIENT_POLICY, EXTERNAL, GRANT, MESH, ROUTE, SERVER_POLICY, SERVICE, WITHHELD } from './inputs.js';

const OF_NAMESPACE: ReadonlyMap<string, string> = new Map([
  [SERVICE.name, 'Service'],
  [EXTERNAL.name, 'ExternalService'],
  [GRANT.name, 'ReferenceGrant'],
]);
const BY_KEY: ReadonlySet<string> = new Set([ROUTE.name, CLIENT_POLICY.name, SERVER_POLICY.name, WITHHELD.name]);

export function idOfValue(mesh: string, { type, value }: DomainValue): ResourceId {
  if (type === 'Mesh') return { kind: 'Mesh', namespace: '', name: mesh };
  const { kind, namespace, name } = value.source;
  return { kind, namespace, name };
}

/** Undefined for what is no resource: instances, features, allocated numbers, settings. */
export function resourceOfInput(mesh: string, { kind, key }: CellName): ResourceId | undefined {
  if (kind === MESH.name) return { kind: 'Mesh', namespace: '', name: mesh };
  const [first = '', second = '', ...rest] = key.split('/');
  const named = OF_NAMESPACE.get(kind);
  if (named !== undefined) return { kind: named, namespace: first, name: second };
  return BY_KEY.has(kind) ? { kind: first, namespace: second, name: rest.join('/') } : undefined;
}
