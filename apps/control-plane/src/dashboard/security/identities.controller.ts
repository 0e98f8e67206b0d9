import { Controller, Get, Inject, Param, Req } from '@nestjs/common';
import { Access, AccessControl, API_DEPS, type ApiDeps, type HttpRequest, requireMesh } from '#libs/api';
import { identitiesOf, meshFacts } from './identities.js';
import type { Identities } from './security.view.js';

/** Identities and when they end: for everybody who may see the proxies that have them. */
@Controller('api/dashboard/meshes/:mesh/identities')
export class IdentitiesController {
  constructor(
    @Inject(API_DEPS) private readonly deps: ApiDeps,
    @Inject(AccessControl) private readonly access: AccessControl,
  ) {}

  @Get()
  @Access('list', 'Proxy')
  async list(@Param('mesh') mesh: string, @Req() { principal }: HttpRequest): Promise<Identities> {
    const { deps, access } = this;
    await requireMesh(deps.store.resources, mesh);
    const { trustDomain } = await meshFacts(deps, mesh);
    return { trustDomain, identities: await identitiesOf({ deps, access, caller: principal, mesh }, trustDomain) };
  }
}
