import type { Type } from '@nestjs/common';
import type { Clock, Log, Metrics } from '#libs/kernel';
import type { Config } from '../config.schema.js';
import { AlertsBoardController } from './alerts/alerts.controller.js';
import { AuditorController } from './auditor/auditor.controller.js';
import { CatalogueController } from './catalogue/catalogue.controller.js';
import { Attempts } from './oidc/attempts.js';
import { createOidcController } from './oidc/oidc.controller.js';
import { Provider } from './oidc/provider.js';
import { oidcSettings } from './oidc/settings.js';
import { OperatorController } from './operator/operator.controller.js';
import { OwnerController } from './owner/owner.controller.js';
import { readDashboard } from './pages/dashboard-files.js';
import { createPageController } from './pages/page.controller.js';
import { ReleaseController } from './release/release.controller.js';
import { IdentitiesController } from './security/identities.controller.js';
import { SecurityController } from './security/security.controller.js';
import { createSessionController } from './session/session.controller.js';
import { Sessions } from './session/sessions.js';

export interface DashboardOptions {
  readonly config: Config;
  /** 32 bytes that all replicas share. */
  readonly kek: Uint8Array;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
}

export interface Dashboard {
  readonly sessions: Sessions;
  readonly controllers: readonly Type<object>[];
  stop(): void;
}

/**
 * The dashboard: its pages and files, sessions of browsers, and a module for each persona. The identity provider is looked
 * for in the background.
 * @throws StartError when what the configuration says of the provider cannot be used
 */
export async function createDashboard({ config, kek, clock, log, metrics }: DashboardOptions): Promise<Dashboard> {
  const settings = await oidcSettings(config);
  const provider = settings && new Provider({ settings, clock, log, metrics });
  provider?.start();
  const sessions = new Sessions(kek, clock, settings);
  const byProvider =
    settings && provider
      ? [createOidcController({ settings, provider, sessions, attempts: new Attempts(kek, clock) })]
      : [];
  return {
    sessions,
    controllers: [
      createPageController(readDashboard(), sessions),
      createSessionController({
        sessions,
        ways: () => (settings ? { provider: { label: settings.label, problem: provider?.problem } } : {}),
        logoutUrl: () => provider?.logoutUrl(),
        contact: config.oidc.contact,
      }),
      ...byProvider,
      CatalogueController,
      AlertsBoardController,
      OwnerController,
      OperatorController,
      SecurityController,
      IdentitiesController,
      ReleaseController,
      AuditorController,
    ],
    stop: () => provider?.stop(),
  };
}
