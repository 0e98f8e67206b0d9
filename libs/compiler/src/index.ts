export type { FailingCell } from './failing.js';
export { featuresOf, NEWEST_FEATURES } from './features.js';
export type { CallerRoutes } from './fork-routes.js';
export * from './inspection.js';
export { isNothing, MeshLane, together } from './lanes/mesh-lane.js';
export { guardsAccess } from './layers.js';
export { contentFields, type ForkChanges, MeshFork } from './mesh-fork.js';
export { MeshGraph, type MeshGraphOptions, type MeshPass } from './mesh-graph.js';
export {
  IDENTITY_SECRET,
  INBOUND_RBAC_ALLOW,
  INBOUND_RBAC_DENY,
  inboundName,
  TRUST_SECRET,
  UNRESOLVED_CLUSTER,
  XDS_CLUSTER,
} from './names.js';
export { downstreamTls, upstreamTls } from './tls.js';
export * from './types.js';
