import type { Type } from '@nestjs/common';
import type { Clock } from '#libs/kernel';
import { AlertsBoardController } from './alerts/alerts.controller.js';
import { AuditorController } from './auditor/auditor.controller.js';
import { CatalogueController } from './catalogue/catalogue.controller.js';
import { OperatorController } from './operator/operator.controller.js';
import { OwnerController } from './owner/owner.controller.js';
import { readDashboard } from './pages/dashboard-files.js';
import { createPageController } from './pages/page.controller.js';
import { ReleaseController } from './release/release.controller.js';
import { IdentitiesController } from './security/identities.controller.js';
import { SecurityController } from './security/security.controller.js';
import { createSessionController } from './session/session.controller.js';
import { Sessions } from './session/sessions.js';

export interface Dashboard {
  readonly sessions: Sessions;
  readonly controllers: readonly Type<object>[];
}

/** The dashboard: its pages and files, sessions of browsers, and a module for each persona. @param kek 32 bytes that all replicas share */
export function createDashboard(kek: Uint8Array, clock: Clock): Dashboard {
  const sessions = new Sessions(kek, clock);
  return {
    sessions,
    controllers: [
      createPageController(readDashboard(), sessions),
      createSessionController(sessions),
      CatalogueController,
      AlertsBoardController,
      OwnerController,
      OperatorController,
      SecurityController,
      IdentitiesController,
      ReleaseController,
      AuditorController,
    ],
  };
}
