import { Controller, Get, HttpCode, Inject, Param, Post, Query, Req } from '@nestjs/common';
import type { NetDifference, Plan } from '#libs/changes';
import { Access, APPLY_LIMIT, JsonBody } from '../access.js';
import { API_DEPS, type ApiDeps } from '../deps.js';
import { actorOf, type HttpRequest } from '../http.js';
import { requireMesh, requireMeshOr } from '../meshes.js';
import { notFound } from '../problem.js';
import { parseBy, parseQuery } from '../query.js';
import { authorizeEach, filteredPlan, requireMayKeep, visibleTo } from './authorize.js';
import { plannedOr } from './plan.answers.js';
import { diffQuery, planBody } from './plan.schema.js';

/** What a change will do, before it is made; and what changes have done. */
@Controller('api/v1/meshes/:mesh')
export class PlanController {
  constructor(@Inject(API_DEPS) private readonly deps: ApiDeps) {}

  @Post('plan')
  @HttpCode(200)
  @Access('viewer')
  @JsonBody(APPLY_LIMIT)
  async plan(@Param('mesh') mesh: string, @Req() request: HttpRequest): Promise<Plan> {
    const { manifests, rollback, ...body } = parseBy(planBody, request.body);
    if (body.save) requireMayKeep(request);
    await requireMeshOr(this.deps.store.resources, mesh, manifests);
    const { change, toRevision, conflicts } = rollback ?? {};
    const back = change === undefined ? toRevision !== undefined && { toRevision } : { change };
    const result = await this.deps.changes.plan({
      ...{ mesh, actor: actorOf(request), authorize: authorizeEach(request, 'plan') },
      ...body,
      documents: manifests,
      rollback: back ? { ...back, conflicts } : undefined,
    });
    return filteredPlan(plannedOr(result, visibleTo(request)), visibleTo(request));
  }

  @Get('plans/:plan')
  @Access('viewer')
  async get(@Param('mesh') mesh: string, @Param('plan') plan: string, @Req() request: HttpRequest): Promise<Plan> {
    await requireMesh(this.deps.store.resources, mesh);
    if (!/^p-[-\w]{1,64}$/.test(plan)) throw notFound('a plan is called p-...');
    const result = await this.deps.changes.planned(mesh, plan);
    return filteredPlan(plannedOr(result, visibleTo(request)), visibleTo(request));
  }

  @Get('diff')
  @Access('viewer')
  async diff(
    @Param('mesh') mesh: string,
    @Query() query: unknown,
    @Req() request: HttpRequest,
  ): Promise<{ from: number; to: number; items: readonly NetDifference[]; hidden: number }> {
    await requireMesh(this.deps.store.resources, mesh);
    const { configRevision } = await this.deps.store.identity();
    const { from, to = configRevision } = parseQuery(diffQuery, query);
    const unknown = [from, to].find((revision) => revision > configRevision);
    if (unknown !== undefined) throw notFound(`there is no revision ${unknown}: the newest is ${configRevision}`);
    const all = await this.deps.changes.between(mesh, from, to);
    const items = all.filter(visibleTo(request));
    return { from, to, items, hidden: all.length - items.length };
  }
}
