/** Type URLs of the resource types that xDS carries. */
export const TYPE = {
  cluster: 'type.googleapis.com/envoy.config.cluster.v3.Cluster',
  endpoint: 'type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment',
  listener: 'type.googleapis.com/envoy.config.listener.v3.Listener',
  route: 'type.googleapis.com/envoy.config.route.v3.RouteConfiguration',
  scopedRoute: 'type.googleapis.com/envoy.config.route.v3.ScopedRouteConfiguration',
  virtualHost: 'type.googleapis.com/envoy.config.route.v3.VirtualHost',
  secret: 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret',
  runtime: 'type.googleapis.com/envoy.service.runtime.v3.Runtime',
  extension: 'type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig',
  lbEndpoint: 'type.googleapis.com/envoy.config.endpoint.v3.LbEndpoint',
} as const;

export type TypeUrl = (typeof TYPE)[keyof typeof TYPE];

const SHORT: ReadonlyMap<string, string> = new Map([
  [TYPE.cluster, 'CDS'],
  [TYPE.endpoint, 'EDS'],
  [TYPE.listener, 'LDS'],
  [TYPE.route, 'RDS'],
  [TYPE.scopedRoute, 'SRDS'],
  [TYPE.virtualHost, 'VHDS'],
  [TYPE.secret, 'SDS'],
  [TYPE.runtime, 'RTDS'],
  [TYPE.extension, 'ECDS'],
  [TYPE.lbEndpoint, 'LEDS'],
]);

/** `CDS` for the cluster type, and so on: for people and metric labels. `other` for a type Heddle does not know. */
export const shortType = (typeUrl: string): string => SHORT.get(typeUrl) ?? 'other';
