/** Which stored resource a domain value, or an input of the graph, is. */
import type { CellName } from '#libs/incremental';
import type { DomainValue, ResourceId } from '#libs/model';
import * as inputs from './inputs.js';

const { CLIENT_POLICY, EXTERNAL, GRANT, MESH, PROXY_POLICY, ROUTE, SERVER_POLICY, SERVICE, WITHHELD } = inputs;

const OF_NAMESPACE: ReadonlyMap<string, string> = new Map([
  [SERVICE.name, 'Service'],
  [EXTERNAL.name, 'ExternalService'],
  [GRANT.name, 'ReferenceGrant'],
]);
const BY_KEY: ReadonlySet<string> = new Set(
  [ROUTE, CLIENT_POLICY, SERVER_POLICY, PROXY_POLICY, WITHHELD].map(({ name }) => name),
);

/** What the members of an index are, by its name. */
export const INDEXED: ReadonlyMap<string, string> = new Map(
  Object.values(inputs).flatMap((one) =>
    typeof one === 'object' && 'type' in one && one.type === 'index' ? [[one.name, one.of.name] as const] : [],
  ),
);

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
