import { Controller, Get, Inject, Param, Req } from '@nestjs/common';
import { Access, AccessControl, API_DEPS, type ApiDeps, type HttpRequest, requireMesh } from '#libs/api';
import type { Extent } from '#libs/model';
import type { SilenceRights } from './alerts.view.js';

const VERBS = ['create', 'delete'] as const;

/** What pages about alerts need beside what the API tells of them: what they may offer. */
@Controller('api/dashboard/meshes/:mesh/silencing')
export class AlertsBoardController {
  constructor(
    @Inject(API_DEPS) private readonly deps: ApiDeps,
    @Inject(AccessControl) private readonly access: AccessControl,
  ) {}

  @Get()
  @Access('list', 'Alert')
  async rights(@Param('mesh') mesh: string, @Req() { principal }: HttpRequest): Promise<SilenceRights> {
    const { alerts, silences, resources } = this.deps.store;
    await requireMesh(resources, mesh);
    const rights = this.access.rightsOf(principal);
    const may = (where: Pick<Extent, 'namespace'>): boolean =>
      VERBS.every((verb) => rights.covers({ verb, kind: 'Silence', mesh, ...where }));
    const known = [
      ...(await alerts.list(mesh)).map(({ labels }) => labels['namespace'] ?? ''),
      ...(await silences.list(mesh)).map(({ namespace }) => namespace),
    ];
    const namespaces = [...new Set(known)].filter((namespace) => namespace !== '' && may({ namespace }));
    return { everywhere: may({}), namespaces: namespaces.sort() };
  }
}
