/** From the resources that an Envoy is sent to what each of its HTTP listeners routes with. */
import {
  fromBinary,
  type HttpConnectionManager,
  HttpConnectionManagerSchema,
  type Listener,
  ListenerSchema,
  type RouteConfiguration,
  RouteConfigurationSchema,
  ScopedRouteConfigurationSchema,
  TYPE,
} from '#libs/envoy-api';
import type { RoutingConfig } from './types.js';

/** A resource as it is compiled. */
export interface EncodedResource {
  readonly type: string;
  readonly name: string;
  readonly bytes: Uint8Array;
}

const MANAGER = `type.googleapis.com/${HttpConnectionManagerSchema.typeName}`;

/** HTTP listeners of one Envoy by name; TCP ones are left out. */
export function routingConfigs(resources: Iterable<EncodedResource>): ReadonlyMap<string, RoutingConfig> {
  const listeners: Listener[] = [];
  const tables = new Map<string, RouteConfiguration>();
  const scopes: RoutingConfig['scopes'][number][] = [];
  for (const { type, name, bytes } of resources) {
    if (type === TYPE.listener) listeners.push(fromBinary(ListenerSchema, bytes));
    else if (type === TYPE.route) tables.set(name, fromBinary(RouteConfigurationSchema, bytes));
    else if (type === TYPE.scopedRoute) scopes.push(fromBinary(ScopedRouteConfigurationSchema, bytes));
  }
  return new Map(
    listeners.flatMap((listener) => {
      const manager = managerOf(listener);
      return manager ? [[listener.name, { manager, port: portOf(listener), tables, scopes }] as const] : [];
    }),
  );
}

/** That of the first chain: chains of one listener differ in how the peer is identified, not in how requests are routed. */
function managerOf({ filterChains }: Listener): HttpConnectionManager | undefined {
  for (const { configType } of filterChains.flatMap((chain) => chain.filters)) {
    if (configType.case === 'typedConfig' && configType.value.typeUrl === MANAGER) {
      return fromBinary(HttpConnectionManagerSchema, configType.value.value);
    }
  }
  return undefined;
}

function portOf({ address }: Listener): number {
  const at = address?.address;
  return at?.case === 'socketAddress' && at.value.portSpecifier.case === 'portValue' ? at.value.portSpecifier.value : 0;
}
