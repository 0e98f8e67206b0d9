import { Controller, Get, HttpCode, Inject, Param, Post, Query, Req } from '@nestjs/common';
import type { Differences, Plan } from '#libs/changes';
import { AccessControl } from '../access/access-control.js';
import { reading } from '../access/reading.js';
import { sides } from '../access/visible-changes.js';
import { AccessEach, APPLY_LIMIT, JsonBody } from '../access.js';
import { API_DEPS, type ApiDeps } from '../deps.js';
import { actorOf, type HttpRequest } from '../http.js';
import { requireMesh, requireMeshOr } from '../meshes.js';
import { notFound } from '../problem.js';
import { parseBy, parseQuery } from '../query.js';
import { plannedOr } from './plan.answers.js';
import { diffQuery, planBody } from './plan.schema.js';
import { filteredPlan, reader, requireMayKeep } from './visible-plan.js';

/** What a change will do, before it is made; and what changes have done. */
@Controller('api/v1/meshes/:mesh')
export class PlanController {
  constructor(
    @Inject(API_DEPS) private readonly deps: ApiDeps,
    @Inject(AccessControl) private readonly access: AccessControl,
  ) {}

  @Post('plan')
  @HttpCode(200)
  @AccessEach('get')
  @JsonBody(APPLY_LIMIT)
  async plan(@Param('mesh') mesh: string, @Req() request: HttpRequest): Promise<Plan> {
    const { manifests, rollback, ...body } = parseBy(planBody, request.body);
    if (body.save) requireMayKeep(this.access, request, mesh);
    await requireMeshOr(this.deps.store.resources, mesh, manifests);
    const { change, toRevision, conflicts } = rollback ?? {};
    const back = change === undefined ? toRevision !== undefined && { toRevision } : { change };
    const { principal } = request;
    const caller = body.save ? this.access.onBehalfOf(principal, mesh) : reading(this.access, principal, mesh);
    const result = await this.deps.changes.plan({
      ...{ mesh, actor: actorOf(request), ...caller },
      ...body,
      documents: manifests,
      rollback: back ? { ...back, conflicts } : undefined,
    });
    const who = reader(this.access, request, mesh);
    return filteredPlan(plannedOr(result, who), who);
  }

  @Get('plans/:plan')
  @AccessEach('get')
  async get(@Param('mesh') mesh: string, @Param('plan') plan: string, @Req() request: HttpRequest): Promise<Plan> {
    await requireMesh(this.deps.store.resources, mesh);
    if (!/^p-[-\w]{1,64}$/.test(plan)) throw notFound('a plan is called p-...');
    const result = await this.deps.changes.planned(mesh, plan);
    const who = reader(this.access, request, mesh);
    return filteredPlan(plannedOr(result, who), who);
  }

  @Get('diff')
  @AccessEach('get')
  async diff(
    @Param('mesh') mesh: string,
    @Query() query: unknown,
    @Req() request: HttpRequest,
  ): Promise<Differences & { from: number; to: number }> {
    await requireMesh(this.deps.store.resources, mesh);
    const { configRevision } = await this.deps.store.identity();
    const { from, to = configRevision } = parseQuery(diffQuery, query);
    const unknown = [from, to].find((revision) => revision > configRevision);
    if (unknown !== undefined) throw notFound(`there is no revision ${unknown}: the newest is ${configRevision}`);
    const who = reader(this.access, request, mesh);
    const result = await this.deps.changes.between(mesh, { from, to }, (change) => sides(change).every(who.may));
    return { from, to, ...plannedOr(result, who) };
  }
}
