import { Controller, Get, HttpCode, Inject, Param, Post, Query, Req } from '@nestjs/common';
import type { OperateRefusal, StagedAct, StagedView } from '#libs/changes';
import type { StagedChange } from '#libs/store';
import { AccessControl } from '../access/access-control.js';
import { notPermitted } from '../access/denials.js';
import { AccessEach } from '../access.js';
import { API_DEPS, type ApiDeps } from '../deps.js';
import { actorOf, type HttpRequest } from '../http.js';
import { requireMesh } from '../meshes.js';
import { reader } from '../plan/visible-plan.js';
import { notFound, ProblemError } from '../problem.js';
import { parseQuery } from '../query.js';
import { stagedQuery } from './staged.schema.js';
import { viewOfStaged } from './staged.view.js';

/** Changes on trial: who has them, what was seen of them, and what is to become of them. */
@Controller('api/v1/meshes/:mesh/staged')
export class StagedController {
  constructor(
    @Inject(API_DEPS) private readonly deps: ApiDeps,
    @Inject(AccessControl) private readonly access: AccessControl,
  ) {}

  @Get()
  @AccessEach('get')
  async list(
    @Param('mesh') mesh: string,
    @Query() query: unknown,
    @Req() request: HttpRequest,
  ): Promise<{ readonly items: readonly StagedView[] }> {
    await requireMesh(this.deps.store.resources, mesh);
    const { limit } = parseQuery(stagedQuery, query);
    const changes = await this.deps.store.staged.list(mesh, limit);
    const who = reader(this.access, request, mesh);
    return { items: changes.map((change) => viewOfStaged(change, who)) };
  }

  @Get(':change')
  @AccessEach('get')
  async get(
    @Param('mesh') mesh: string,
    @Param('change') id: string,
    @Req() request: HttpRequest,
  ): Promise<StagedView> {
    const change = await this.find(mesh, id);
    return viewOfStaged(change, reader(this.access, request, mesh), await this.deps.changes.report(change));
  }

  @Post(':change/promote')
  @HttpCode(200)
  @AccessEach('create', 'update', 'delete')
  promote(@Param('mesh') mesh: string, @Param('change') id: string, @Req() request: HttpRequest): Promise<StagedView> {
    return this.act('promote', { mesh, id, request });
  }

  @Post(':change/resume')
  @HttpCode(200)
  @AccessEach('create', 'update', 'delete')
  resume(@Param('mesh') mesh: string, @Param('change') id: string, @Req() request: HttpRequest): Promise<StagedView> {
    return this.act('resume', { mesh, id, request });
  }

  @Post(':change/revert')
  @HttpCode(200)
  @AccessEach('create', 'update', 'delete')
  revert(@Param('mesh') mesh: string, @Param('change') id: string, @Req() request: HttpRequest): Promise<StagedView> {
    return this.act('revert', { mesh, id, request });
  }

  @Post(':change/confirm')
  @HttpCode(200)
  @AccessEach('create', 'update', 'delete')
  confirm(@Param('mesh') mesh: string, @Param('change') id: string, @Req() request: HttpRequest): Promise<StagedView> {
    return this.act('confirm', { mesh, id, request });
  }

  /** `s-<number>`, or the change `c-<revision>` that made one everybody's. */
  private async find(mesh: string, id: string): Promise<StagedChange> {
    await requireMesh(this.deps.store.resources, mesh);
    const change = await this.deps.store.staged.get(mesh, id);
    if (!change) throw noSuchChange(id);
    return change;
  }

  private async act(
    act: StagedAct,
    { mesh, id, request }: { readonly mesh: string; readonly id: string; readonly request: HttpRequest },
  ): Promise<StagedView> {
    const { id: staged } = await this.find(mesh, id);
    const { authorize } = this.access.onBehalfOf(request.principal, mesh);
    const done = await this.deps.changes.operate({ mesh, id: staged, act, actor: actorOf(request), authorize });
    if (!done.ok) throw this.problem(done.error, act);
    return viewOfStaged(done.value, reader(this.access, request, mesh));
  }

  private problem(refusal: OperateRefusal, act: StagedAct): ProblemError {
    switch (refusal.code) {
      case 'unknown-change':
        return noSuchChange(refusal.change);
      case 'not-now':
        return notNow(refusal.change, act);
      case 'forbidden':
        return notPermitted(refusal.denials, this.deps.registry.kinds);
      default:
        return problemOfWrite(refusal);
    }
  }
}

const noSuchChange = (id: string): ProblemError =>
  notFound(`there is no change ${id} on trial: heddle change list shows them`);

const WHEN: Readonly<Record<StagedAct, string>> = {
  promote: 'only one that is open can be given to everybody',
  resume: 'only one that is held can go on',
  revert: 'it is over: heddle rollback takes back what was applied',
  confirm: 'only one that everybody has can be confirmed',
};

const notNow = ({ id, state, reason }: StagedChange, act: StagedAct): ProblemError =>
  new ProblemError(409, 'not-now', `${id} is ${state}${reason === '' ? '' : ` (${reason})`}: ${WHEN[act]}`);

function problemOfWrite(
  refusal: Exclude<OperateRefusal, { code: 'unknown-change' | 'not-now' | 'forbidden' }>,
): ProblemError {
  if (refusal.code === 'version-conflict' || refusal.code === 'not-found' || refusal.code === 'hostname-taken') {
    const { namespace, name } = refusal;
    return new ProblemError(409, refusal.code, `${namespace}/${name} is not as it was when the change was staged`);
  }
  return new ProblemError(409, refusal.code, 'it is not what it was a moment ago: look again');
}
