import { Controller, Get, Inject, Param, Query, Req } from '@nestjs/common';
import type { ProxyStatus } from '#libs/model';
import { AccessControl } from './access/access-control.js';
import { Access, Authenticated } from './access.js';
import { API_DEPS, type ApiDeps, type BootstrapInfo } from './deps.js';
import type { HttpRequest } from './http.js';
import { requireMesh } from './meshes.js';
import { nothingQuery, parseQuery } from './query.js';

/** What proxies need to join, and how they are doing. */
@Controller('api/v1')
export class ProxyController {
  constructor(
    @Inject(API_DEPS) private readonly deps: ApiDeps,
    @Inject(AccessControl) private readonly access: AccessControl,
  ) {}

  @Get('bootstrap')
  @Authenticated()
  async bootstrap(
    @Query() query: unknown,
    @Req() request: HttpRequest,
  ): Promise<BootstrapInfo & { readonly meshes: readonly string[] }> {
    parseQuery(nothingQuery, query);
    const rights = this.access.rightsOf(request.principal);
    const meshes = await this.deps.store.resources.meshes();
    return { ...this.deps.bootstrap, meshes: meshes.filter((mesh) => rights.isIn(mesh)) };
  }

  @Get('meshes/:mesh/proxies')
  @Access('list', 'Proxy')
  async proxies(
    @Param('mesh') mesh: string,
    @Query() query: unknown,
    @Req() request: HttpRequest,
  ): Promise<{ items: readonly ProxyStatus[] }> {
    parseQuery(nothingQuery, query);
    await requireMesh(this.deps.store.resources, mesh);
    const proxies = await this.deps.runtime.proxies(mesh);
    const { shown } = this.access.visible(request.principal, mesh, proxies, ({ namespace, instance }) => {
      return { kind: 'Proxy', namespace, name: instance };
    });
    return { items: shown };
  }
}
