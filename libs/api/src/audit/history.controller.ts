import { Controller, Get, Inject, Param, Query, Req } from '@nestjs/common';
import type { Delivery } from '#libs/changes';
import { printId } from '#libs/model';
import type { PastResource } from '#libs/store';
import { AccessControl } from '../access/access-control.js';
import { asItWas, visibleHistory } from '../access/visible-changes.js';
import { AccessEach } from '../access.js';
import { API_DEPS, type ApiDeps } from '../deps.js';
import type { HttpRequest } from '../http.js';
import { requireMesh } from '../meshes.js';
import { notFound, ProblemError } from '../problem.js';
import { parseQuery } from '../query.js';
import type { DeliverySummary, HistoryItem } from '../views.js';
import { historyQuery, pastQuery, resourceOf } from './audit.query.js';

/** The past of a mesh: what was changed, and how things were. */
@Controller('api/v1/meshes/:mesh')
export class HistoryController {
  constructor(
    @Inject(API_DEPS) private readonly deps: ApiDeps,
    @Inject(AccessControl) private readonly access: AccessControl,
  ) {}

  @Get('history')
  @AccessEach('get')
  async history(
    @Param('mesh') mesh: string,
    @Query() query: unknown,
    @Req() request: HttpRequest,
  ): Promise<{ items: readonly HistoryItem[] }> {
    await requireMesh(this.deps.store.resources, mesh);
    const { kind, namespace, name, delivery, ...rest } = parseQuery(historyQuery, query);
    const resource = resourceOf({ kind, namespace, name });
    const past = { mesh, ...rest, resource };
    const items = await visibleHistory(this.access, request.principal, past, this.deps.store.history);
    if (delivery === 'false') return { items };
    const deliveries = await this.deps.deliveries.of(mesh, items);
    return {
      items: items.map((entry, i) => {
        const known = deliveries[i];
        return known ? { ...entry, delivery: summary(known) } : entry;
      }),
    };
  }

  @Get('history/:revision/resource')
  @AccessEach('get')
  async at(
    @Param('mesh') mesh: string,
    @Param('revision') text: string,
    @Query() query: unknown,
    @Req() request: HttpRequest,
  ): Promise<PastResource> {
    await requireMesh(this.deps.store.resources, mesh);
    const { kind, namespace = '', name } = parseQuery(pastQuery, query);
    const revision = /^\d{1,15}$/.test(text) ? Number(text) : -1;
    await this.requireRevision(revision);
    const id = { kind, namespace, name };
    const past = await this.deps.store.history.at(mesh, id, revision);
    if (past === undefined || !this.access.may(request.principal, 'get', mesh, asItWas(id, past.manifest)))
      throw notFound(`${printId(id)} did not exist at revision ${revision}`);
    return past;
  }

  /** @throws ProblemError 404 for one that is yet to come, 410 for one that history no longer reaches back to */
  private async requireRevision(revision: number): Promise<void> {
    const { configRevision } = await this.deps.store.identity();
    if (revision < 0 || revision > configRevision)
      throw notFound(`there is no such revision: the newest is ${configRevision}; heddle history lists them`);
    const floor = await this.deps.store.history.floor();
    if (revision < floor)
      throw new ProblemError(
        410,
        'history-removed',
        `history before revision ${floor} was removed (audit.historyDays)`,
      );
  }
}

const summary = ({ state, acked, total, refusing }: Delivery): DeliverySummary => ({
  ...{ state, acked, total, refused: refusing },
});
