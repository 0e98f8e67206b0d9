import { Controller, Get, Inject, Param, Query } from '@nestjs/common';
import { Access } from './access.js';
import { API_DEPS, type ApiDeps, type BootstrapInfo } from './deps.js';
import { requireMesh } from './meshes.js';
import type { ProxyStatus } from './ports.js';
import { nothingQuery, parseQuery } from './query.js';

/** What proxies need to join, and how they are doing. */
@Controller('api/v1')
export class ProxyController {
  constructor(@Inject(API_DEPS) private readonly deps: ApiDeps) {}

  @Get('bootstrap')
  @Access('viewer')
  async bootstrap(@Query() query: unknown): Promise<BootstrapInfo & { readonly meshes: readonly string[] }> {
    parseQuery(nothingQuery, query);
    return { ...this.deps.bootstrap, meshes: await this.deps.store.resources.meshes() };
  }

  @Get('meshes/:mesh/proxies')
  @Access('viewer')
  async proxies(@Param('mesh') mesh: string, @Query() query: unknown): Promise<{ items: readonly ProxyStatus[] }> {
    parseQuery(nothingQuery, query);
    await requireMesh(this.deps.store.resources, mesh);
    return { items: await this.deps.runtime.proxies(mesh) };
  }
}
