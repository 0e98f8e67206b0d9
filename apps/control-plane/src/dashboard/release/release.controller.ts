import { Controller, Get, Inject, Param, Req } from '@nestjs/common';
import { Access, AccessControl, API_DEPS, type ApiDeps, type HttpRequest, requireMesh } from '#libs/api';
import { isStagedOver } from '#libs/kernel';
import { byNamespace, instancesOf, type Reading, resourcesOf, selected } from '../catalogue/catalogue.js';
import { requireHome } from '../session/homes.js';
import { trialsOf } from '../trials.js';
import type { ReleaseHome } from './release.view.js';
import { versionsOf } from './versions.js';

const SHOWN = 30;

/** The home of who brings out releases: what is on trial, and which versions run side by side. */
@Controller('api/dashboard/meshes/:mesh/release')
export class ReleaseController {
  constructor(
    @Inject(API_DEPS) private readonly deps: ApiDeps,
    @Inject(AccessControl) private readonly access: AccessControl,
  ) {}

  @Get()
  @Access('list', 'Service')
  async home(@Param('mesh') mesh: string, @Req() { principal }: HttpRequest): Promise<ReleaseHome> {
    const { deps, access } = this;
    await requireMesh(deps.store.resources, mesh);
    requireHome(access.rightsOf(principal), mesh, 'release');
    const reading = { deps, access, caller: principal, mesh };
    const [services, routes] = await Promise.all([resourcesOf(reading, 'Service'), resourcesOf(reading, 'HTTPRoute')]);
    const instances = byNamespace(await instancesOf(reading));
    const versioned = services
      .map((service) => versionsOf(service, selected(service, instances), routes))
      .filter(({ versions }) => versions.some(({ version }) => version !== ''));
    return {
      ...(await this.trials(reading)),
      services: versioned.sort((a, b) => b.versions.length - a.versions.length),
    };
  }

  private async trials(reading: Reading): Promise<Pick<ReleaseHome, 'open' | 'over'>> {
    const trials = await trialsOf(reading, SHOWN);
    return { open: trials.filter((one) => !isStagedOver(one)), over: trials.filter(isStagedOver) };
  }
}
