import { Controller, Delete, Get, Inject, Param, Patch, Put, Query, Req, Res, type Type } from '@nestjs/common';
import type { ChangeOutcome } from '#libs/changes';
import type { KindInfo } from '#libs/model';
import { Access, JsonBody, MergePatchBody } from './access.js';
import { API_DEPS, type ApiDeps } from './deps.js';
import type { HttpRequest, HttpResponse } from './http.js';
import { requireMesh, requireName, requireNamespace } from './meshes.js';
import { listQuery, parseQuery } from './query.js';
import { type Exchange, ResourceService } from './resource.service.js';
import type { ResourceView } from './resource-view.js';

interface Place {
  readonly mesh: string;
  readonly namespace?: string;
  readonly name: string;
}

/** The REST controllers of a kind: every kind but Mesh has these, and adding a kind adds no code here. */
export function createKindControllers(info: KindInfo): Type<object>[] {
  return info.scope === 'mesh' ? [kindController(info)] : [kindController(info), namespaceListController(info)];
}

function kindController({ kind, plural, scope }: KindInfo): Type<object> {
  const one = scope === 'mesh' ? `${plural}/:name` : `namespaces/:namespace/${plural}/:name`;

  @Controller('api/v1/meshes/:mesh')
  class KindController {
    constructor(
      @Inject(API_DEPS) private readonly deps: ApiDeps,
      @Inject(ResourceService) private readonly resources: ResourceService,
    ) {}

    @Get(plural)
    @Access('list', kind)
    async listAll(@Param('mesh') mesh: string, @Query() query: unknown, @Req() request: HttpRequest): Promise<unknown> {
      await requireMesh(this.deps.store.resources, mesh);
      return this.resources.list({ mesh, kind, caller: request.principal }, parseQuery(listQuery, query));
    }

    @Get(one)
    @Access('get', kind)
    async get(
      @Param() place: Place,
      @Req() request: HttpRequest,
      @Res({ passthrough: true }) response: HttpResponse,
    ): Promise<ResourceView | undefined> {
      return this.resources.get(await this.exchange(place, request, response));
    }

    @Put(one)
    @Access(['create', 'update'], kind)
    @JsonBody()
    async put(
      @Param() place: Place,
      @Req() request: HttpRequest,
      @Res({ passthrough: true }) response: HttpResponse,
    ): Promise<ResourceView> {
      return this.resources.put(await this.exchange(place, request, response));
    }

    @Patch(one)
    @Access('update', kind)
    @MergePatchBody()
    async patch(
      @Param() place: Place,
      @Req() request: HttpRequest,
      @Res({ passthrough: true }) response: HttpResponse,
    ): Promise<ResourceView> {
      return this.resources.patch(await this.exchange(place, request, response));
    }

    @Delete(one)
    @Access('delete', kind)
    async remove(
      @Param() place: Place,
      @Req() request: HttpRequest,
      @Res({ passthrough: true }) response: HttpResponse,
    ): Promise<ChangeOutcome> {
      return this.resources.remove(await this.exchange(place, request, response));
    }

    private async exchange(place: Place, request: HttpRequest, response: HttpResponse): Promise<Exchange> {
      const { mesh, name, namespace = '' } = place;
      await requireMesh(this.deps.store.resources, mesh);
      if (scope === 'namespace') requireNamespace(namespace);
      requireName(name);
      return { mesh, id: { kind, namespace, name }, request, response };
    }
  }

  // Nest keys controllers by class: each kind has its own, with a name that logs can tell apart.
  Object.defineProperty(KindController, 'name', { value: `${kind}Controller` });
  return KindController;
}

/** Lists one namespace's resources of a kind: only kinds that live in namespaces have it. */
function namespaceListController({ kind, plural }: KindInfo): Type<object> {
  @Controller('api/v1/meshes/:mesh')
  class NamespaceListController {
    constructor(
      @Inject(API_DEPS) private readonly deps: ApiDeps,
      @Inject(ResourceService) private readonly resources: ResourceService,
    ) {}

    @Get(`namespaces/:namespace/${plural}`)
    @Access('list', kind)
    async list(
      @Param('mesh') mesh: string,
      @Param('namespace') namespace: string,
      @Query() query: unknown,
      @Req() request: HttpRequest,
    ): Promise<unknown> {
      await requireMesh(this.deps.store.resources, mesh);
      requireNamespace(namespace);
      return this.resources.list({ mesh, kind, namespace, caller: request.principal }, parseQuery(listQuery, query));
    }
  }

  Object.defineProperty(NamespaceListController, 'name', { value: `${kind}NamespaceListController` });
  return NamespaceListController;
}
