/** The Envoy messages that Heddle builds and reads: the one door to the generated code. */

export type { DescMessage, MessageInitShape, MessageShape } from '@bufbuild/protobuf';
export { create, fromBinary, fromJson, toBinary, toJson } from '@bufbuild/protobuf';
export { type ReflectMessage, reflect } from '@bufbuild/protobuf/reflect';
export type { Any, Duration } from '@bufbuild/protobuf/wkt';
export { AnySchema, DurationSchema } from '@bufbuild/protobuf/wkt';
export { ClientResourceStatus } from './gen/envoy/admin/v3/config_dump_shared_pb.js';
export {
  AccessLogFilterSchema,
  AccessLogSchema,
  ComparisonFilter_Op,
  GrpcStatusFilter_Status,
  ResponseFlagFilterSchema,
} from './gen/envoy/config/accesslog/v3/accesslog_pb.js';
export type { Cluster } from './gen/envoy/config/cluster/v3/cluster_pb.js';
export {
  Cluster_DiscoveryType,
  Cluster_DnsLookupFamily,
  ClusterSchema,
} from './gen/envoy/config/cluster/v3/cluster_pb.js';
export { AddressSchema, SocketAddress_Protocol } from './gen/envoy/config/core/v3/address_pb.js';
export type { HeaderValueOption } from './gen/envoy/config/core/v3/base_pb.js';
export {
  HeaderValueOption_HeaderAppendAction,
  HeaderValueOptionSchema,
  RoutingPriority,
  TrafficDirection,
} from './gen/envoy/config/core/v3/base_pb.js';
export { ApiVersion, ConfigSourceSchema } from './gen/envoy/config/core/v3/config_source_pb.js';
export { HttpProtocolOptions_HeadersWithUnderscoresAction } from './gen/envoy/config/core/v3/protocol_pb.js';
export { LbEndpointSchema } from './gen/envoy/config/endpoint/v3/endpoint_components_pb.js';
export type { ClusterLoadAssignment } from './gen/envoy/config/endpoint/v3/endpoint_pb.js';
export { ClusterLoadAssignmentSchema } from './gen/envoy/config/endpoint/v3/endpoint_pb.js';
export type { Filter as NetworkFilter, FilterChain } from './gen/envoy/config/listener/v3/listener_components_pb.js';
export { FilterChainSchema } from './gen/envoy/config/listener/v3/listener_components_pb.js';
export type { Listener } from './gen/envoy/config/listener/v3/listener_pb.js';
export { ListenerSchema } from './gen/envoy/config/listener/v3/listener_pb.js';
export type { Permission, Policy as RbacPolicy, Principal, RBAC } from './gen/envoy/config/rbac/v3/rbac_pb.js';
export {
  PermissionSchema,
  PolicySchema as RbacPolicySchema,
  PrincipalSchema,
  RBAC_Action,
  RBACSchema,
} from './gen/envoy/config/rbac/v3/rbac_pb.js';
export type {
  HeaderMatcher,
  QueryParameterMatcher,
  RedirectAction,
  RetryPolicy,
  Route,
  RouteAction,
  RouteMatch,
  VirtualHost,
} from './gen/envoy/config/route/v3/route_components_pb.js';
export {
  HeaderMatcherSchema,
  QueryParameterMatcherSchema,
  RedirectAction_RedirectResponseCode,
  RetryPolicySchema,
  RouteAction_ClusterNotFoundResponseCode,
  RouteActionSchema,
  RouteMatchSchema,
  RouteSchema,
  VirtualHostSchema,
} from './gen/envoy/config/route/v3/route_components_pb.js';
export type { RouteConfiguration } from './gen/envoy/config/route/v3/route_pb.js';
export { RouteConfigurationSchema } from './gen/envoy/config/route/v3/route_pb.js';
export type { ScopedRouteConfiguration } from './gen/envoy/config/route/v3/scoped_route_pb.js';
export { ScopedRouteConfigurationSchema } from './gen/envoy/config/route/v3/scoped_route_pb.js';
export { OpenTelemetryConfigSchema } from './gen/envoy/config/trace/v3/opentelemetry_pb.js';
export { FileAccessLogSchema } from './gen/envoy/extensions/access_loggers/file/v3/file_pb.js';
export { ExpressionFilterSchema } from './gen/envoy/extensions/access_loggers/filters/cel/v3/cel_pb.js';
export { HttpGrpcAccessLogConfigSchema } from './gen/envoy/extensions/access_loggers/grpc/v3/als_pb.js';
export { OpenTelemetryAccessLogConfigSchema } from './gen/envoy/extensions/access_loggers/open_telemetry/v3/logs_service_pb.js';
export { StdoutAccessLogSchema } from './gen/envoy/extensions/access_loggers/stream/v3/stream_pb.js';
export { OnDemandSchema } from './gen/envoy/extensions/filters/http/on_demand/v3/on_demand_pb.js';
export {
  RBACPerRouteSchema,
  RBACSchema as HttpRbacFilterSchema,
} from './gen/envoy/extensions/filters/http/rbac/v3/rbac_pb.js';
export { RouterSchema } from './gen/envoy/extensions/filters/http/router/v3/router_pb.js';
export { TlsInspectorSchema } from './gen/envoy/extensions/filters/listener/tls_inspector/v3/tls_inspector_pb.js';
export type {
  HttpConnectionManager,
  HttpFilter,
} from './gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js';
export {
  HttpConnectionManager_CodecType,
  HttpConnectionManager_ForwardClientCertDetails,
  HttpConnectionManager_PathWithEscapedSlashesAction,
  HttpConnectionManager_TracingSchema,
  HttpConnectionManagerSchema,
} from './gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js';
export { RBACSchema as NetworkRbacFilterSchema } from './gen/envoy/extensions/filters/network/rbac/v3/rbac_pb.js';
export { TcpProxySchema } from './gen/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy_pb.js';
export { ReqWithoutQuerySchema } from './gen/envoy/extensions/formatter/req_without_query/v3/req_without_query_pb.js';
export { PreviousHostsPredicateSchema } from './gen/envoy/extensions/retry/host/previous_hosts/v3/previous_hosts_pb.js';
export { RawBufferSchema } from './gen/envoy/extensions/transport_sockets/raw_buffer/v3/raw_buffer_pb.js';
export {
  CertificateValidationContextSchema,
  SubjectAltNameMatcher_SanType,
  SubjectAltNameMatcherSchema,
  TlsCertificateSchema,
  TlsParameters_TlsProtocol,
} from './gen/envoy/extensions/transport_sockets/tls/v3/common_pb.js';
export type { Secret } from './gen/envoy/extensions/transport_sockets/tls/v3/secret_pb.js';
export { SdsSecretConfigSchema, SecretSchema } from './gen/envoy/extensions/transport_sockets/tls/v3/secret_pb.js';
export {
  DownstreamTlsContextSchema,
  UpstreamTlsContextSchema,
} from './gen/envoy/extensions/transport_sockets/tls/v3/tls_pb.js';
export { SPIFFECertValidatorConfigSchema } from './gen/envoy/extensions/transport_sockets/tls/v3/tls_spiffe_validator_config_pb.js';
export { HttpProtocolOptionsSchema as UpstreamHttpProtocolOptionsSchema } from './gen/envoy/extensions/upstreams/http/v3/http_protocol_options_pb.js';
export type {
  DeltaDiscoveryRequest,
  DeltaDiscoveryResponse,
  DiscoveryRequest,
  DiscoveryResponse,
  Resource as DiscoveryResource,
} from './gen/envoy/service/discovery/v3/discovery_pb.js';
export {
  DeltaDiscoveryRequestSchema,
  DeltaDiscoveryResponseSchema,
  DiscoveryRequestSchema,
  DiscoveryResponseSchema,
  ResourceSchema as DiscoveryResourceSchema,
} from './gen/envoy/service/discovery/v3/discovery_pb.js';
export {
  ClientStatusRequestSchema,
  ClientStatusResponseSchema,
  ConfigStatus,
} from './gen/envoy/service/status/v3/csds_pb.js';
export { RegexMatcherSchema } from './gen/envoy/type/matcher/v3/regex_pb.js';
export type { StringMatcher } from './gen/envoy/type/matcher/v3/string_pb.js';
export { StringMatcherSchema } from './gen/envoy/type/matcher/v3/string_pb.js';
export { FractionalPercent_DenominatorType } from './gen/envoy/type/v3/percent_pb.js';
