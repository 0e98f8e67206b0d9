/** Listeners at which an application finds the mesh. */
import { ListenerSchema, packAny, TcpProxySchema, TrafficDirection } from '#libs/envoy-api';
import { invariant } from '#libs/kernel';
import { socketAddress } from './clusters.js';
import { destinationOf, isHttp, portOf } from './destinations.js';
import { outboundManager, scopedManager } from './http-manager.js';
import { ADDRESS, INSTANCE } from './inputs.js';
import {
  clusterName,
  OUTBOUND_LISTENER,
  outboundListenerName,
  portRouteTableName,
  splitClusterName,
  statPrefix,
} from './names.js';
import { defineResource, encoded } from './resource.js';

/** `127.100` of `127.100.0.1`: services have their numbers in this /16. Undefined for what is no IPv4 address. */
export function slash16(address: string): string | undefined {
  return /^(\d{1,3}\.\d{1,3})\.\d{1,3}\.\d{1,3}$/.exec(address)?.[1];
}

/** Address of a service's number, 1 to 65535, in a /16. */
export const addressIn = (prefix: string, number: number): string => `${prefix}.${number >> 8}.${number & 255}`;

/** The shared HTTP port of an instance, by `<namespace>/<instance>`. Its bytes change with the registration alone. */
export const OUTBOUND = defineResource('outbound', (ctx, key) => {
  const instance = ctx.input(INSTANCE, key);
  invariant(instance, `${key} is listed, so it is registered`);
  const init = {
    name: OUTBOUND_LISTENER,
    address: socketAddress(instance.outbound.address, instance.outbound.httpPort),
    trafficDirection: TrafficDirection.OUTBOUND,
    filterChains: [{ filters: [scopedManager(ctx, OUTBOUND_LISTENER)] }],
  };
  return encoded(ListenerSchema, init, { name: OUTBOUND_LISTENER });
});

/**
 * A service port at its own address, by `<a.b of the /16>|<namespace>/<service>/<port>`. Instances with the same /16 share
 * it. HTTP gets its routes by RDS, so nothing but the service's port and number changes the listener.
 */
export const PORT_LISTENER = defineResource('port-listener', (ctx, key) => {
  const [prefix = '', cluster = ''] = key.split('|');
  const { destination: name, port: number } = splitClusterName(cluster);
  const destination = destinationOf(ctx, name);
  const port = destination && portOf(destination, number);
  const address = ctx.input(ADDRESS, name);
  invariant(port && address !== undefined, `${key} is listed, so it has a port and an address`);
  const listener = outboundListenerName(name, number);
  const filter = isHttp(port)
    ? outboundManager(ctx, listener, portRouteTableName(name, number))
    : tcpProxy(listener, clusterName(name, number));
  const init = {
    name: listener,
    address: socketAddress(addressIn(prefix, address), number),
    trafficDirection: TrafficDirection.OUTBOUND,
    filterChains: [{ filters: [filter] }],
  };
  return encoded(ListenerSchema, init, { name: listener, clusters: isHttp(port) ? [] : [clusterName(name, number)] });
});

export const tcpProxy = (name: string, cluster: string) => ({
  name: 'envoy.filters.network.tcp_proxy',
  configType: {
    case: 'typedConfig' as const,
    value: packAny(TcpProxySchema, {
      statPrefix: statPrefix(name),
      clusterSpecifier: { case: 'cluster', value: cluster },
    }),
  },
});
