/** Where a domain value goes in the graph. */
import type { AnyInput, InputKind, Override } from '#libs/incremental';
import { type DomainValue, type PolicyKind, type ResourceId, resourceKey } from '#libs/model';
import { CLIENT_POLICY, EXTERNAL, GRANT, MESH, ONCE, PROXY_POLICY, ROUTE, SERVER_POLICY, SERVICE } from './inputs.js';
import { destinationKey } from './names.js';

export interface Placement extends Override {
  readonly kind: AnyInput;
  readonly value: unknown;
}

const at = <V>(kind: InputKind<V>, key: string, value: V | undefined): Placement => ({ kind, key, value });

/** The input of a stored resource with its value; undefined for what proxies have nothing to do with. */
export function placementOf(kinds: readonly PolicyKind[], { type, value }: DomainValue): Placement | undefined {
  switch (type) {
    case 'Mesh':
      return at(MESH, ONCE, value);
    case 'Service':
      return at(SERVICE, destinationKey(value.namespace, value.name), value);
    case 'ExternalService':
      return at(EXTERNAL, destinationKey(value.namespace, value.name), value);
    case 'Route':
      return at(ROUTE, resourceKey(value), value);
    case 'ReferenceGrant':
      return at(GRANT, destinationKey(value.namespace, value.source.name), value);
    case 'Policy': {
      const id = { kind: value.kind, namespace: value.source.namespace, name: value.source.name };
      return at(policyInput(kinds, id.kind), resourceKey(id), value);
    }
    case 'ServiceLevelObjective':
    case 'AlertRule':
    case 'AlertReceiver':
    case 'Role':
    case 'RoleBinding':
      return undefined;
  }
}

/** The input of a stored resource without a value: its removal. */
export function removalOf(kinds: readonly PolicyKind[], id: ResourceId): Placement {
  const key = destinationKey(id.namespace, id.name);
  switch (id.kind) {
    case 'Mesh':
      return at(MESH, ONCE, undefined);
    case 'Service':
      return at(SERVICE, key, undefined);
    case 'ExternalService':
      return at(EXTERNAL, key, undefined);
    case 'HTTPRoute':
    case 'GRPCRoute':
      return at(ROUTE, resourceKey(id), undefined);
    case 'ReferenceGrant':
      return at(GRANT, key, undefined);
    default:
      return at(policyInput(kinds, id.kind), resourceKey(id), undefined);
  }
}

export const isServerPolicy = (kinds: readonly PolicyKind[], kind: string): boolean =>
  kinds.some((known) => known.kind === kind && known.side === 'server');

const POLICIES = { client: CLIENT_POLICY, server: SERVER_POLICY, proxy: PROXY_POLICY };

const policyInput = (kinds: readonly PolicyKind[], kind: string) =>
  POLICIES[kinds.find((known) => known.kind === kind)?.side ?? 'client'];
