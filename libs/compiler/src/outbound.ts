/** Listeners at which an application finds the mesh. */
import { ListenerSchema, packAny, TcpProxySchema, TrafficDirection } from '#libs/envoy-api';
import { invariant } from '#libs/kernel';
import type { AccessLogs } from '#libs/model';
import { socketAddress } from './clusters.js';
import { destinationOf, isHttp, portOf } from './destinations.js';
import { outboundManager, scopedManager } from './http-manager.js';
import { ADDRESS, INSTANCE } from './inputs.js';
import {
  clusterName,
  destinationKey,
  OUTBOUND_LISTENER,
  outboundListenerName,
  portRouteTableName,
  splitClusterName,
  statPrefix,
} from './names.js';
import { MESH_PLACE, planOf, planOfWorkload } from './proxy-patches.js';
import { defineResource, encoded } from './resource.js';

/** `127.100` of `127.100.0.1`: services have their numbers in this /16. Undefined for what is no IPv4 address. */
export function slash16(address: string): string | undefined {
  return /^(\d{1,3}\.\d{1,3})\.\d{1,3}\.\d{1,3}$/.exec(address)?.[1];
}

/** Address of a service's number, 1 to 65535, in a /16. */
export const addressIn = (prefix: string, number: number): string => `${prefix}.${number >> 8}.${number & 255}`;

/**
 * Where listeners with addresses of their own stand: a /16 and, unless it is the mesh as a whole, the place whose sidecars
 * share them.
 */
export const listeningAt = (prefix: string, place: string): string =>
  place === MESH_PLACE ? prefix : `${prefix}@${place}`;

export function splitListeningAt(text: string): { readonly prefix: string; readonly place: string } {
  const at = text.indexOf('@');
  return at < 0 ? { prefix: text, place: MESH_PLACE } : { prefix: text.slice(0, at), place: text.slice(at + 1) };
}

/** The shared HTTP port of an instance, by `<namespace>/<instance>`. Its bytes change with the registration alone. */
export const OUTBOUND = defineResource('outbound', (ctx, key) => {
  const instance = ctx.input(INSTANCE, key);
  invariant(instance, `${key} is listed, so it is registered`);
  const plan = planOfWorkload(ctx, destinationKey(instance.namespace, instance.workload));
  const init = {
    name: OUTBOUND_LISTENER,
    address: socketAddress(instance.outbound.address, instance.outbound.httpPort),
    trafficDirection: TrafficDirection.OUTBOUND,
    filterChains: [{ filters: [scopedManager(ctx, OUTBOUND_LISTENER, plan)] }],
  };
  return encoded(ListenerSchema, init, { name: OUTBOUND_LISTENER, clusters: plan.clusters });
});

/**
 * A service port at its own address, by `<listening at>|<namespace>/<service>/<port>`. Instances of a place with the same
 * /16 share it. HTTP gets its routes by RDS, so nothing but the service's port and number changes the listener.
 */
export const PORT_LISTENER = defineResource('port-listener', (ctx, key) => {
  const [where = '', cluster = ''] = key.split('|');
  const { prefix, place } = splitListeningAt(where);
  const plan = planOf(ctx, place);
  const { destination: name, port: number } = splitClusterName(cluster);
  const destination = destinationOf(ctx, name);
  const port = destination && portOf(destination, number);
  const address = ctx.input(ADDRESS, name);
  invariant(port && address !== undefined, `${key} is listed, so it has a port and an address`);
  const listener = outboundListenerName(name, number);
  const filter = isHttp(port)
    ? outboundManager(ctx, listener, { routeTable: portRouteTableName(name, number), plan })
    : tcpProxy(listener, clusterName(name, number), plan.patch.accessLogs?.outbound.tcp);
  const init = {
    name: listener,
    address: socketAddress(addressIn(prefix, address), number),
    trafficDirection: TrafficDirection.OUTBOUND,
    filterChains: [{ filters: [filter] }],
  };
  const clusters = [...(isHttp(port) ? [] : [clusterName(name, number)]), ...plan.clusters];
  return encoded(ListenerSchema, init, { name: listener, clusters });
});

export const tcpProxy = (name: string, cluster: string, accessLogs: AccessLogs = []) => ({
  name: 'envoy.filters.network.tcp_proxy',
  configType: {
    case: 'typedConfig' as const,
    value: packAny(TcpProxySchema, {
      statPrefix: statPrefix(name),
      clusterSpecifier: { case: 'cluster', value: cluster },
      accessLog: [...accessLogs],
    }),
  },
});
