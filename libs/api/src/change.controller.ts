import { Controller, HttpCode, Inject, Param, Post, Req } from '@nestjs/common';
import type { ChangeOutcome } from '#libs/changes';
import { AccessControl } from './access/access-control.js';
import { AccessEach, APPLY_LIMIT, JsonBody } from './access.js';
import { applyBody } from './change.schema.js';
import { API_DEPS, type ApiDeps } from './deps.js';
import { actorOf, type HttpRequest } from './http.js';
import { requireMeshOr } from './meshes.js';
import { plannedOr } from './plan/plan.answers.js';
import { reader } from './plan/visible-plan.js';
import { idempotencyKey } from './preconditions.js';
import { parseBy } from './query.js';
import { accepted } from './resource.service.js';

/** Changes of many resources at once. */
@Controller('api/v1/meshes/:mesh')
export class ChangeController {
  constructor(
    @Inject(API_DEPS) private readonly deps: ApiDeps,
    @Inject(AccessControl) private readonly access: AccessControl,
  ) {}

  @Post('apply')
  @HttpCode(200)
  @AccessEach('create', 'update', 'delete')
  @JsonBody(APPLY_LIMIT)
  async apply(@Param('mesh') mesh: string, @Req() request: HttpRequest): Promise<ChangeOutcome> {
    const { manifests, deletes, message, dryRun, plan, trial, force } = parseBy(applyBody, request.body);
    await requireMeshOr(this.deps.store.resources, mesh, manifests);
    const context = {
      ...{ mesh, message, dryRun, trial, force, actor: actorOf(request), idempotencyKey: idempotencyKey(request) },
      ...this.access.onBehalfOf(request.principal, mesh),
    };
    const { kinds } = this.deps.registry;
    const outcome =
      plan === undefined
        ? accepted(await this.deps.changes.apply({ ...context, documents: manifests, deletes }), kinds)
        : plannedOr(await this.deps.changes.applyPlan({ ...context, id: plan }), reader(this.access, request, mesh));
    await this.access.follow(outcome);
    return outcome;
  }
}
