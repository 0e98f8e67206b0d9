import { Controller, Get, Inject, Param, Query, Req } from '@nestjs/common';
import type { Page } from '#libs/store';
import { AccessControl } from '../access/access-control.js';
import { Access } from '../access.js';
import { API_DEPS, type ApiDeps } from '../deps.js';
import type { HttpRequest } from '../http.js';
import { requireMesh } from '../meshes.js';
import { parseQuery } from '../query.js';
import { auditQuery, resourceOf } from './audit.query.js';
import { type VisibleAuditEntry, visibleAudit } from './visible-audit.js';

/** Who decided what in a mesh, refusals too. */
@Controller('api/v1/meshes/:mesh/audit')
export class AuditSearchController {
  constructor(
    @Inject(API_DEPS) private readonly deps: ApiDeps,
    @Inject(AccessControl) private readonly access: AccessControl,
  ) {}

  /** A page holds what the caller may read of it: it may be short, or empty, and still have a cursor. */
  @Get()
  @Access('get', 'Audit')
  async search(
    @Param('mesh') mesh: string,
    @Query() query: unknown,
    @Req() request: HttpRequest,
  ): Promise<Page<VisibleAuditEntry>> {
    await requireMesh(this.deps.store.resources, mesh);
    const { kind, namespace, name, ...rest } = parseQuery(auditQuery, query);
    const resource = resourceOf({ kind, namespace, name });
    const { items, cursor } = await this.deps.store.audit.search({ mesh, ...rest, resource });
    return { items: visibleAudit(this.access, request.principal, { mesh, resource }, items), cursor };
  }
}
