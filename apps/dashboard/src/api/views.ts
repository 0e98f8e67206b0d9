/** Types of the answers of the dashboard's own modules: the server's, so that the two cannot differ. */
import type { SilenceRights } from '../../../control-plane/src/dashboard/alerts/alerts.view.js';
import type { AuditorHome } from '../../../control-plane/src/dashboard/auditor/auditor.view.js';
import type { ServiceList } from '../../../control-plane/src/dashboard/catalogue/catalogue.view.js';
import type { OperatorHome } from '../../../control-plane/src/dashboard/operator/operator.view.js';
import type { OwnerHome } from '../../../control-plane/src/dashboard/owner/owner.view.js';
import type { ReleaseHome } from '../../../control-plane/src/dashboard/release/release.view.js';
import type { Identities, SecurityHome } from '../../../control-plane/src/dashboard/security/security.view.js';

export type * from '../../../control-plane/src/dashboard/alerts/alerts.view.js';
export type * from '../../../control-plane/src/dashboard/auditor/auditor.view.js';
export type * from '../../../control-plane/src/dashboard/catalogue/catalogue.view.js';
export type * from '../../../control-plane/src/dashboard/operator/operator.view.js';
export type * from '../../../control-plane/src/dashboard/owner/owner.view.js';
export type * from '../../../control-plane/src/dashboard/release/release.view.js';
export type * from '../../../control-plane/src/dashboard/security/security.view.js';
export type * from '../../../control-plane/src/dashboard/session/session.view.js';

/** By the last part of their addresses. */
export interface CatalogueViews {
  readonly services: ServiceList;
  readonly identities: Identities;
  readonly silencing: SilenceRights;
  readonly owner: OwnerHome;
  readonly operator: OperatorHome;
  readonly security: SecurityHome;
  readonly release: ReleaseHome;
  readonly auditor: AuditorHome;
}
