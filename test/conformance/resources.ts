/** Resources from a few words, for scripts of the protocol. */
import {
  Cluster_DiscoveryType,
  ClusterLoadAssignmentSchema,
  ClusterSchema,
  encode,
  LbEndpointSchema,
  ListenerSchema,
  RouteConfigurationSchema,
  ScopedRouteConfigurationSchema,
  SecretSchema,
  TYPE,
  VirtualHostSchema,
} from '#libs/envoy-api';
import { contentHash } from '#libs/kernel';
import type { Ref, Resource } from '#libs/xds';

/** A resource from a few words; its key is `<type>/<name>`. */
const made = (type: string, name: string, bytes: Uint8Array, requires: readonly Ref[] = []): Resource => ({
  key: `${type.split('.').at(-1)}/${name}`,
  type,
  name,
  version: contentHash(bytes),
  bytes,
  requires,
});

const clusterRefs = (names: readonly string[]): Ref[] => names.map((name) => ({ type: TYPE.cluster, name }));

/** An EDS cluster; `mark` makes its content differ. */
export const cluster = (name: string, mark = 0): Resource =>
  made(
    TYPE.cluster,
    name,
    encode(ClusterSchema, {
      name,
      clusterDiscoveryType: { case: 'type', value: Cluster_DiscoveryType.EDS },
      altStatName: `m${mark}`,
    }),
  );

export const endpoints = (name: string, port = 80): Resource =>
  made(
    TYPE.endpoint,
    name,
    encode(ClusterLoadAssignmentSchema, { clusterName: name, policy: { overprovisioningFactor: port } }),
  );

export const listener = (name: string, requires: readonly string[] = [], mark = 0): Resource =>
  made(
    TYPE.listener,
    name,
    encode(ListenerSchema, { name, statPrefix: `m${mark}${requires.join()}` }),
    clusterRefs(requires),
  );

export const route = (name: string, requires: readonly string[] = [], mark = 0): Resource =>
  made(
    TYPE.route,
    name,
    encode(RouteConfigurationSchema, {
      name,
      maxDirectResponseBodySizeBytes: mark,
      requestHeadersToRemove: [...requires],
    }),
    clusterRefs(requires),
  );

export const scope = (name: string, routeName: string): Resource =>
  made(TYPE.scopedRoute, name, encode(ScopedRouteConfigurationSchema, { name, routeConfigurationName: routeName }));

/** A virtual host of its own, asked for as `<route configuration>/<authority>`. */
export const virtualHost = (
  name: string,
  aliases: readonly string[],
  { requires = [], mark = 0 }: { readonly requires?: readonly string[]; readonly mark?: number } = {},
): Resource => ({
  ...made(
    TYPE.virtualHost,
    name,
    encode(VirtualHostSchema, { name, requestHeadersToRemove: [`m${mark}`, ...requires] }),
    clusterRefs(requires),
  ),
  aliases,
});

/** One endpoint, which belongs to a collection by its name; its own message has none. */
export const lbEndpoint = (name: string, port = 80): Resource =>
  made(TYPE.lbEndpoint, name, encode(LbEndpointSchema, { loadBalancingWeight: port }));

/** A message with a name and nothing that anybody here reads. */
const opaque = (type: string, name: string, mark: number): Resource => {
  const text = Buffer.from(name);
  return made(type, name, Buffer.from([0x0a, text.length, ...text, 0x78, mark]));
};

export const runtimeLayer = (name: string, mark = 0): Resource => opaque(TYPE.runtime, name, mark);
export const extension = (name: string, mark = 0): Resource => opaque(TYPE.extension, name, mark);

export const secretBytes = (name: string): Uint8Array => encode(SecretSchema, { name });
