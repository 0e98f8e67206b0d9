export { AccessControl, type Seen, type Visible } from './access/access-control.js';
export { RolePolicies, type RolePoliciesOptions } from './access/role-policies.js';
export { type VisibleEntry, visibleHistory } from './access/visible-changes.js';
export {
  Access,
  AccessAnywhere,
  AccessEach,
  AccessOrProxy,
  Anonymous,
  Authenticated,
  JsonBody,
  MergePatchBody,
  ProxyAccess,
} from './access.js';
export type * from './alerts/alerts.port.js';
export { createApiModule } from './api.module.js';
export { visibleAudit } from './audit/visible-audit.js';
export * from './auth.ports.js';
export type * from './delivery/aspect.js';
export { API_DEPS, type ApiDeps, type BootstrapInfo } from './deps.js';
export { FailureLimiter } from './failure-limiter.js';
export { actorOf, type HttpRequest, type HttpResponse, type Principal, peerOf } from './http.js';
export { createAuth } from './identity-auth.js';
export { requireMesh } from './meshes.js';
export { openApiDocument } from './openapi.js';
export * from './ports.js';
export { notFound, ProblemError } from './problem.js';
export { parseBy, parseQuery } from './query.js';
export type { ResourceView } from './resource-view.js';
export { type ApiOptions, type RunningApi, type ServerTls, startApi } from './server.js';
export type { SessionHolder, SessionPort } from './session.port.js';
export { stagedAspect } from './staged/staged.aspect.js';
export { viewOfStaged } from './staged/staged.view.js';
export type { PatternReader } from './telemetry/patterns.port.js';
