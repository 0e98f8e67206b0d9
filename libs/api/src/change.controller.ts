import { Controller, Get, HttpCode, Inject, Param, Post, Query, Req } from '@nestjs/common';
import type { ChangeOutcome } from '#libs/changes';
import type { HistoryEntry } from '#libs/store';
import { Access, APPLY_LIMIT, JsonBody } from './access.js';
import { applyBody } from './change.schema.js';
import { API_DEPS, type ApiDeps } from './deps.js';
import { actorOf, type HttpRequest } from './http.js';
import { requireMesh, requireMeshOr } from './meshes.js';
import { authorizeEach, visibleTo } from './plan/authorize.js';
import { plannedOr } from './plan/plan.answers.js';
import type { ChangeProgress } from './ports.js';
import { idempotencyKey } from './preconditions.js';
import { notFound } from './problem.js';
import { historyQuery, parseBy, parseQuery } from './query.js';
import { accepted } from './resource.service.js';

/** Changes of many resources at once, their delivery, and the past. */
@Controller('api/v1/meshes/:mesh')
export class ChangeController {
  constructor(@Inject(API_DEPS) private readonly deps: ApiDeps) {}

  @Post('apply')
  @HttpCode(200)
  @Access('operator')
  @JsonBody(APPLY_LIMIT)
  async apply(@Param('mesh') mesh: string, @Req() request: HttpRequest): Promise<ChangeOutcome> {
    const { manifests, deletes, message, dryRun, plan } = parseBy(applyBody, request.body);
    await requireMeshOr(this.deps.store.resources, mesh, manifests);
    const context = {
      ...{ mesh, message, dryRun, actor: actorOf(request), idempotencyKey: idempotencyKey(request) },
      authorize: authorizeEach(request, 'apply'),
    };
    if (plan === undefined)
      return accepted(await this.deps.changes.apply({ ...context, documents: manifests, deletes }));
    return plannedOr(await this.deps.changes.applyPlan({ ...context, id: plan }), visibleTo(request));
  }

  @Get('changes/:change')
  @Access('viewer')
  async progress(@Param('mesh') mesh: string, @Param('change') change: string): Promise<ChangeProgress> {
    await requireMesh(this.deps.store.resources, mesh);
    const revision = Number(/^c-(\d{1,15})$/.exec(change)?.[1] ?? 0);
    const { configRevision } = await this.deps.store.identity();
    if (revision < 1 || revision > configRevision) throw notFound('there is no such change: heddle history lists them');
    return this.deps.runtime.progress(mesh, revision);
  }

  @Get('history')
  @Access('viewer')
  async history(@Param('mesh') mesh: string, @Query() query: unknown): Promise<{ items: readonly HistoryEntry[] }> {
    await requireMesh(this.deps.store.resources, mesh);
    const { limit, before } = parseQuery(historyQuery, query);
    return { items: await this.deps.store.resources.history({ mesh, limit, before }) };
  }
}
