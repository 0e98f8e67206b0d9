import { Controller, Get, Inject, Param, Req } from '@nestjs/common';
import { Access, AccessControl, API_DEPS, type ApiDeps, type HttpRequest, requireMesh, visibleAudit } from '#libs/api';
import { printId, SERVER } from '#libs/model';
import type { AuditEntry } from '#libs/store';
import { requireHome } from '../session/homes.js';
import type { AuditorHome } from './auditor.view.js';

const SHOWN = 100;

/** Resources, or the token that was made or revoked. */
const aboutOf = ({ items, token }: AuditEntry['payload']): readonly string[] => [
  ...items.map(printId),
  ...(token ? [`${token.kind} ${token.name ?? token.id}`] : []),
];

/** The home of who checks what was done: decisions, and whether the chain that holds them is whole. Reads only. */
@Controller('api/dashboard/meshes/:mesh/auditor')
export class AuditorController {
  constructor(
    @Inject(API_DEPS) private readonly deps: ApiDeps,
    @Inject(AccessControl) private readonly access: AccessControl,
  ) {}

  @Get()
  @Access('get', 'Audit')
  async home(@Param('mesh') mesh: string, @Req() { principal }: HttpRequest): Promise<AuditorHome> {
    const { resources, audit } = this.deps.store;
    await requireMesh(resources, mesh);
    const rights = this.access.rightsOf(principal);
    requireHome(rights, mesh, 'auditor');
    const { items } = await audit.search({ mesh, limit: SHOWN });
    const ofServer = { verb: 'get', kind: 'Audit', mesh: SERVER, namespace: '' } as const;
    const mayVerify = rights.covers(ofServer);
    return {
      decisions: visibleAudit(this.access, principal, { mesh }, items).map(({ seq, at, hash, payload }) => ({
        ...{ seq, at, hash, actor: payload.actor.name, role: payload.actor.role },
        ...{ action: payload.action, decision: payload.decision, message: payload.message },
        items: aboutOf(payload),
      })),
      mayVerify,
      ...(mayVerify ? { destinations: await audit.exports() } : {}),
    };
  }
}
