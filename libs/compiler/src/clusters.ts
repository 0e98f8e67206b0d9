/** Clusters of callers and their endpoints. */
import {
  Cluster_DiscoveryType,
  Cluster_DnsLookupFamily,
  ClusterLoadAssignmentSchema,
  ClusterSchema,
  durationMs,
  packAny,
  RoutingPriority,
  UpstreamHttpProtocolOptionsSchema,
} from '#libs/envoy-api';
import type { Ctx } from '#libs/incremental';
import { invariant, sortedBy } from '#libs/kernel';
import type { ClusterPatch, ExternalService, InstanceSpec, PortProtocol, Service, ServicePort } from '#libs/model';
import { type Destination, destinationOf, IDENTITIES, portOf, SELECTED } from './destinations.js';
import { type Init, mergeInit } from './init-message.js';
import { INSTANCE, ROUTABLE } from './inputs.js';
import { settingsOf } from './mesh-settings.js';
import { meshAlias, splitClusterName } from './names.js';
import { PORT_PATCH } from './policies.js';
import { defineResource, encoded } from './resource.js';
import { ADS, externalTls, upstreamTls } from './tls.js';

type ClusterInit = Init<typeof ClusterSchema>;

/** Half of a leaf's life of 24 h: an older connection would still present an expired certificate. */
export const MAX_CONNECTION_MS = 12 * 3_600_000;

const HTTP_OPTIONS = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';

/** HTTP version towards an upstream, said explicitly: Envoy's default would speak HTTP/1.1 on a connection that agreed on h2. */
export function httpOptions(protocol: PortProtocol, bounded: boolean): ClusterInit {
  if (protocol === 'tcp') return {};
  const version =
    protocol === 'http'
      ? { case: 'httpProtocolOptions' as const, value: {} }
      : { case: 'http2ProtocolOptions' as const, value: {} };
  const options = packAny(UpstreamHttpProtocolOptionsSchema, {
    ...(bounded ? { commonHttpProtocolOptions: { maxConnectionDuration: durationMs(MAX_CONNECTION_MS) } } : {}),
    upstreamProtocolOptions: { case: 'explicitHttpConfig', value: { protocolConfig: version } },
  });
  return { typedExtensionProtocolOptions: { [HTTP_OPTIONS]: options } };
}

const alpnOf = (protocol: PortProtocol): readonly string[] => {
  switch (protocol) {
    case 'http':
      return ['http/1.1'];
    case 'http2':
    case 'grpc':
      return ['h2'];
    case 'tcp':
      return [];
  }
};

/**
 * What every cluster of callers has. The retry budget lets at least 20 retries run: with the usual 3 a dead endpoint costs
 * hundreds of requests. Local failures (refused, timed out) are counted apart from answers, so that an endpoint that is
 * gone is left alone after three of them.
 */
const RESILIENCE: ClusterInit = {
  connectTimeout: durationMs(1000),
  circuitBreakers: {
    thresholds: [
      {
        priority: RoutingPriority.DEFAULT,
        retryBudget: { budgetPercent: { value: 20 }, minRetryConcurrency: 20 },
      },
    ],
  },
  outlierDetection: {
    splitExternalLocalOriginErrors: true,
    consecutiveLocalOriginFailure: 3,
    consecutive5xx: 5,
    interval: durationMs(1000),
    baseEjectionTime: durationMs(10_000),
    maxEjectionPercent: 50,
  },
};

/** Policies over defaults. Thresholds are a list in Envoy, yet a policy that sets one limit must not lose the retry budget. */
function withPolicies(init: ClusterInit, patch: ClusterPatch['cluster']): ClusterInit {
  const merged = mergeInit<ClusterInit>(init, patch as ClusterInit | undefined);
  const [own] = init.circuitBreakers?.thresholds ?? [];
  const set = patch?.circuitBreakers?.thresholds;
  if (!own || !set) return merged;
  const thresholds = set.map((t) => ((t.priority ?? RoutingPriority.DEFAULT) === own.priority ? mergeInit(own, t) : t));
  const kept = thresholds.some((t) => t.priority === own.priority) ? thresholds : [own, ...thresholds];
  return mergeInit<ClusterInit>(merged, { circuitBreakers: { thresholds: kept } });
}

interface Part<V> {
  readonly name: string;
  readonly value: V;
  readonly port: ServicePort;
  readonly subset: string;
}

function meshCluster(ctx: Ctx, { name, value, port, subset }: Part<Service>): ClusterInit {
  const identities = ctx.get(IDENTITIES, `${value.namespace}/${value.name}${subset === '' ? '' : `/${subset}`}`);
  return {
    name,
    clusterDiscoveryType: { case: 'type', value: Cluster_DiscoveryType.EDS },
    edsClusterConfig: { edsConfig: ADS },
    ...httpOptions(port.protocol, true),
    transportSocket: upstreamTls({
      sni: meshAlias(settingsOf(ctx).mesh, value.namespace, value.name),
      alpn: alpnOf(port.protocol),
      identities,
    }),
  };
}

function externalCluster({ name, value, port }: Part<ExternalService>): ClusterInit {
  const endpoints = value.endpoints.map((e) => endpointAt(e.address, e.port));
  const alpn = alpnOf(port.protocol);
  return {
    name,
    clusterDiscoveryType: {
      case: 'type',
      value: value.resolution === 'DNS' ? Cluster_DiscoveryType.STRICT_DNS : Cluster_DiscoveryType.STATIC,
    },
    ...(value.resolution === 'DNS' ? { dnsLookupFamily: Cluster_DnsLookupFamily.V4_PREFERRED } : {}),
    loadAssignment: { clusterName: name, endpoints: [{ lbEndpoints: endpoints }] },
    ...httpOptions(port.protocol, false),
    ...(value.tls ? { transportSocket: externalTls({ ...value.tls, alpn }) } : {}),
  };
}

export const endpointAt = (address: string, port: number) => ({
  hostIdentifier: { case: 'endpoint' as const, value: { address: socketAddress(address, port) } },
});

export const socketAddress = (address: string, port: number) => ({
  address: {
    case: 'socketAddress' as const,
    value: { address, portSpecifier: { case: 'portValue' as const, value: port } },
  },
});

/** A cluster by its wire name: one per service port and subset in use. */
export const CLUSTER = defineResource('cluster', (ctx, name) => {
  const { destination: key, port: number, subset } = splitClusterName(name);
  const destination = destinationOf(ctx, key);
  const port = destination && portOf(destination, number);
  invariant(port, `${name} is listed, so its port exists`);
  const init = {
    ...RESILIENCE,
    ...clusterOf(ctx, destination, { name, port, subset }),
  };
  const { cluster } = ctx.get(PORT_PATCH, `${key}/${number}`);
  return encoded(ClusterSchema, withPolicies(init, cluster.cluster), { name });
});

const clusterOf = (ctx: Ctx, destination: Destination, part: Omit<Part<unknown>, 'value'>): ClusterInit =>
  destination.kind === 'Service'
    ? meshCluster(ctx, { ...part, value: destination.value })
    : externalCluster({ ...part, value: destination.value });

/**
 * Endpoints of a cluster by its wire name: the routable instances that the service and subset select, by locality. Without
 * any it is an empty list, never nothing, or Envoy would wait for it (ORD-7).
 */
export const ENDPOINTS = defineResource('endpoints', (ctx, name) => {
  const { destination: key, port: number, subset } = splitClusterName(name);
  const destination = destinationOf(ctx, key);
  const port = destination && portOf(destination, number);
  invariant(port, `${name} is listed, so its port exists`);
  const instances = ctx
    .get(SELECTED, subset === '' ? key : `${key}/${subset}`)
    .filter((instance) => ctx.input(ROUTABLE, instance) === true)
    .flatMap((instance) => ctx.input(INSTANCE, instance) ?? []);
  return encoded(
    ClusterLoadAssignmentSchema,
    { clusterName: name, endpoints: byLocality(instances, port.targetPort) },
    { name },
  );
});

function byLocality(instances: readonly InstanceSpec[], portName: string) {
  const localities = new Map<
    string,
    { locality: InstanceSpec['locality']; lbEndpoints: ReturnType<typeof endpointAt>[] }
  >();
  for (const { advertised, bind, locality } of instances) {
    const port = bind.ports[portName];
    if (port === undefined) continue;
    const id = `${locality.region}\n${locality.zone}`;
    const group = localities.get(id) ?? { locality, lbEndpoints: [] };
    group.lbEndpoints.push(endpointAt(advertised, port));
    localities.set(id, group);
  }
  return sortedBy(localities, ([id]) => id).map(([, { locality, lbEndpoints }]) => ({
    ...(locality.region || locality.zone ? { locality: { region: locality.region, zone: locality.zone } } : {}),
    lbEndpoints,
  }));
}
