import type { Kind } from '../define-kind.js';
import { alertReceiverKind, alertRuleKind, serviceLevelObjectiveKind } from './alerting/index.js';
import { externalServiceKind } from './external-service.js';
import { grpcRouteKind } from './grpc-route.js';
import { httpRouteKind } from './http-route.js';
import { meshKind } from './mesh.js';
import { referenceGrantKind } from './reference-grant.js';
import { serviceKind } from './service.js';

/** Kinds that are not policies, without those of roles. */
export const BUILT_IN: readonly Kind[] = [
  meshKind,
  serviceKind,
  externalServiceKind,
  httpRouteKind,
  grpcRouteKind,
  referenceGrantKind,
  serviceLevelObjectiveKind,
  alertRuleKind,
  alertReceiverKind,
];
