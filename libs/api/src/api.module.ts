import { type DynamicModule, Module, type Type } from '@nestjs/common';
import { APP_FILTER, APP_GUARD, APP_INTERCEPTOR, DiscoveryModule, Reflector } from '@nestjs/core';
import { AccessController } from './access/access.controller.js';
import { AccessControl } from './access/access-control.js';
import { StreamInterceptor } from './access/stream.interceptor.js';
import { AccessGuard } from './access.guard.js';
import { AlertsController } from './alerts/alerts.controller.js';
import { SilencesController } from './alerts/silences.controller.js';
import { AccessFailureCount } from './audit/access-failure-count.js';
import { AuditController } from './audit/audit.controller.js';
import { AuditSearchController } from './audit/audit-search.controller.js';
import { DenialAudit } from './audit/denial-audit.js';
import { HistoryController } from './audit/history.controller.js';
import { BodyInterceptor } from './body.interceptor.js';
import { ChangeController } from './change.controller.js';
import { DeliveryController } from './delivery/delivery.controller.js';
import { OpenStreams } from './delivery/open-streams.js';
import { ChangePages } from './delivery/pages.js';
import { StreamGuard } from './delivery/stream.guard.js';
import { API_DEPS, type ApiDeps } from './deps.js';
import { DocsController } from './docs.controller.js';
import { ExplainController } from './explain/explain.controller.js';
import { ExplainPastController } from './explain/past.controller.js';
import { FailureLimiter } from './failure-limiter.js';
import { InstanceController } from './instance.controller.js';
import { createKindControllers } from './kind.controller.js';
import { MeshController } from './mesh.controller.js';
import { PermissionCheck } from './permission-check.js';
import { PlanController } from './plan/plan.controller.js';
import { ProbeController } from './probe.controller.js';
import { ProblemFilter } from './problem.filter.js';
import { PrometheusController } from './prometheus/prometheus.controller.js';
import { ProxyController } from './proxy.controller.js';
import { QuarantineController } from './quarantine/quarantine.controller.js';
import { ResourceService } from './resource.service.js';
import { StagedController } from './staged/staged.controller.js';
import { PatternsController } from './telemetry/patterns.controller.js';
import { TelemetryController } from './telemetry/telemetry.controller.js';
import { TokenController } from './token.controller.js';

/** Fixed addresses; those of kinds come after them, so that no kind can take one over. */
const FIXED: readonly Type<object>[] = [
  ProbeController,
  DocsController,
  TokenController,
  AccessController,
  ProxyController,
  ChangeController,
  DeliveryController,
  PlanController,
  StagedController,
  HistoryController,
  QuarantineController,
  TelemetryController,
  PatternsController,
  PrometheusController,
  AlertsController,
  SilencesController,
  ExplainController,
  ExplainPastController,
  AuditController,
  AuditSearchController,
  InstanceController,
  MeshController,
];

@Module({})
class ApiModule {}

/** The REST API as a Nest module. `controllers` are further ones of the app; the same guard holds for them. */
export function createApiModule(deps: ApiDeps, controllers: readonly Type<object>[] = []): DynamicModule {
  const kinds = deps.registry.kinds.filter(({ kind }) => kind !== 'Mesh');
  const failures = new AccessFailureCount(deps);
  const limiter = new FailureLimiter(deps.clock, (peer) => failures.add(peer));
  const { registry, roles, store, clock, log } = deps;
  const denials = new DenialAudit({ audit: store.audit, clock, log });
  const control = new AccessControl({ registry, resources: store.resources, policies: roles });
  const guard = new AccessGuard(deps, limiter, control);
  return {
    module: ApiModule,
    imports: [DiscoveryModule],
    controllers: [...FIXED, ...controllers, ...kinds.flatMap(createKindControllers)],
    providers: [
      { provide: API_DEPS, useValue: deps },
      { provide: FailureLimiter, useValue: limiter },
      { provide: AccessFailureCount, useValue: failures },
      { provide: AccessControl, useValue: control },
      { provide: APP_GUARD, useValue: guard },
      { provide: APP_INTERCEPTOR, useValue: new StreamInterceptor(guard, roles, clock) },
      { provide: APP_INTERCEPTOR, useFactory: (r: Reflector) => new BodyInterceptor(r), inject: [Reflector] },
      { provide: APP_FILTER, useValue: new ProblemFilter(log, deps.databaseName, denials) },
      ResourceService,
      ChangePages,
      OpenStreams,
      StreamGuard,
      PermissionCheck,
    ],
  };
}
