import { Controller, Delete, Get, HttpCode, Inject, Param, Query, Req } from '@nestjs/common';
import { type Extent, type ResourceId } from '#libs/model';
import { AccessControl, type Seen } from '../access/access-control.js';
import { forbidden } from '../access/denials.js';
import { AccessEach } from '../access.js';
import { API_DEPS, type ApiDeps } from '../deps.js';
import { actorOf, type HttpRequest } from '../http.js';
import { requireMesh } from '../meshes.js';
import { notFound } from '../problem.js';
import { nothingQuery, parseQuery } from '../query.js';
import type { QuarantineView } from '../views.js';

/** What is not served as it was written: resources that cannot be evaluated, and contents that proxies die of. */
@Controller('api/v1/meshes/:mesh/quarantine')
export class QuarantineController {
  constructor(
    @Inject(API_DEPS) private readonly deps: ApiDeps,
    @Inject(AccessControl) private readonly access: AccessControl,
  ) {}

  @Get()
  @AccessEach('get')
  async list(
    @Param('mesh') mesh: string,
    @Query() query: unknown,
    @Req() { principal }: HttpRequest,
  ): Promise<QuarantineView> {
    parseQuery(nothingQuery, query);
    const { resources, quarantine, badContents } = this.deps.store;
    await requireMesh(resources, mesh);
    const items = this.access.visible(principal, mesh, await quarantine.list(mesh), seen);
    const contents = this.access.visible(principal, mesh, await badContents.list(mesh), () => ofProxies);
    return {
      items: items.shown.map(({ labels: _, ...item }) => item),
      contents: contents.shown.map(({ instead: _i, key: _k, mesh: _m, ...content }) => content),
      hidden: items.hidden + contents.hidden,
    };
  }

  /** The last revision of a resource counts again, or a content may be sent to everybody. If it is still bad, it comes back. */
  @Delete(':id')
  @HttpCode(204)
  @AccessEach('update')
  async release(@Param('mesh') mesh: string, @Param('id') id: string, @Req() request: HttpRequest): Promise<void> {
    const { resources, quarantine, badContents } = this.deps.store;
    await requireMesh(resources, mesh);
    const item = (await quarantine.list(mesh)).find(({ uid }) => uid === id);
    const content = item ? undefined : (await badContents.list(mesh)).find((one) => one.id === id);
    const { principal } = request;
    const isSeen = item ? this.access.may(principal, 'get', mesh, seen(item)) : content !== undefined;
    if (!isSeen) throw noSuch(id);
    this.#require(request, mesh, item ? seen(item) : { kind: 'Mesh', namespace: '', name: mesh });
    const released = item
      ? await quarantine.release(mesh, id, actorOf(request))
      : await badContents.release(mesh, id, actorOf(request));
    if (!released) throw noSuch(id);
  }

  /** @throws ProblemError 403 */
  #require({ principal }: HttpRequest, mesh: string, { labels, ...id }: Seen): void {
    if (this.access.may(principal, 'update', mesh, { ...id, labels })) return;
    const missing: Extent = { verb: 'update', mesh, ...id };
    throw forbidden(missing, this.access.kinds);
  }
}

const ofProxies: Seen = { kind: 'Proxy', namespace: '', name: '' };

const seen = ({ kind, namespace, name, labels }: ResourceId & Pick<Seen, 'labels'>): Seen => ({
  ...{ kind, namespace, name, labels },
});

const noSuch = (id: string) => notFound(`nothing with the id ${id} is in quarantine: heddle quarantine list`);
