import { Controller, Get, Inject, Param, Query } from '@nestjs/common';
import type { AuditEntry, Page } from '#libs/store';
import { Access } from '../access.js';
import { API_DEPS, type ApiDeps } from '../deps.js';
import { requireMesh } from '../meshes.js';
import { parseQuery } from '../query.js';
import { auditQuery, resourceOf } from './audit.query.js';

/** Who decided what in a mesh, refusals too. */
@Controller('api/v1/meshes/:mesh/audit')
export class AuditSearchController {
  constructor(@Inject(API_DEPS) private readonly deps: ApiDeps) {}

  @Get()
  @Access('admin')
  async search(@Param('mesh') mesh: string, @Query() query: unknown): Promise<Page<AuditEntry>> {
    await requireMesh(this.deps.store.resources, mesh);
    const { kind, namespace, name, ...rest } = parseQuery(auditQuery, query);
    return this.deps.store.audit.search({ mesh, ...rest, resource: resourceOf({ kind, namespace, name }) });
  }
}
