import { Controller, Delete, Get, Inject, Param, Patch, Put, Query, Req, Res } from '@nestjs/common';
import type { ChangeOutcome } from '#libs/changes';
import { isDnsLabel } from '#libs/kernel';
import { VERBS } from '#libs/model';
import type { StoredResource } from '#libs/store';
import { AccessControl } from './access/access-control.js';
import { forbidden } from './access/denials.js';
import { Access, AccessEach, Authenticated, JsonBody, MergePatchBody } from './access.js';
import { API_DEPS, type ApiDeps } from './deps.js';
import type { HttpRequest, HttpResponse } from './http.js';
import { noSuchMesh, requireMesh } from './meshes.js';
import { notFound, ProblemError } from './problem.js';
import { listQuery, parseQuery } from './query.js';
import { type Exchange, ResourceService } from './resource.service.js';
import { type ResourceView, viewOf } from './resource-view.js';

/** Meshes: the one kind whose address is the mesh itself. */
@Controller('api/v1/meshes')
export class MeshController {
  constructor(
    @Inject(API_DEPS) private readonly deps: ApiDeps,
    @Inject(ResourceService) private readonly resources: ResourceService,
    @Inject(AccessControl) private readonly access: AccessControl,
  ) {}

  /** Those in which the caller has any right; to him there are no others (SEC-34). */
  @Get()
  @Authenticated()
  async list(
    @Query() query: unknown,
    @Req() request: HttpRequest,
  ): Promise<{ items: ResourceView[]; cursor?: string }> {
    const { limit, cursor = '', labelSelector = {} } = parseQuery(listQuery, query);
    const { resources } = this.deps.store;
    const rights = this.access.rightsOf(request.principal);
    const names = (await resources.meshes()).filter((name) => name > cursor && rights.isIn(name)).sort();
    const rows = await Promise.all(names.map((mesh) => resources.get(mesh, 'Mesh', '', mesh)));
    // A mesh can go between the two reads.
    const found = rows.filter((row) => row !== undefined && hasLabels(row, labelSelector)) as StoredResource[];
    const page = found.slice(0, limit);
    const last = found.length > limit ? page.at(-1) : undefined;
    return {
      items: page.map((row) => viewOf(row, this.deps.runtime.conditions(row.mesh, row))),
      ...(last ? { cursor: last.name } : {}),
    };
  }

  @Get(':mesh')
  @AccessEach(...VERBS)
  get(
    @Param('mesh') mesh: string,
    @Req() request: HttpRequest,
    @Res({ passthrough: true }) response: HttpResponse,
  ): Promise<ResourceView | undefined> {
    return this.resources.get(this.exchange(mesh, request, response));
  }

  @Put(':mesh')
  @Access(['create', 'update'], 'Mesh')
  @JsonBody()
  put(
    @Param('mesh') mesh: string,
    @Req() request: HttpRequest,
    @Res({ passthrough: true }) response: HttpResponse,
  ): Promise<ResourceView> {
    return this.resources.put(this.exchange(mesh, request, response));
  }

  @Patch(':mesh')
  @Access('update', 'Mesh')
  @MergePatchBody()
  patch(
    @Param('mesh') mesh: string,
    @Req() request: HttpRequest,
    @Res({ passthrough: true }) response: HttpResponse,
  ): Promise<ResourceView> {
    return this.resources.patch(this.exchange(mesh, request, response));
  }

  @Delete(':mesh')
  @Access('delete', 'Mesh')
  async remove(
    @Param('mesh') mesh: string,
    @Req() request: HttpRequest,
    @Res({ passthrough: true }) response: HttpResponse,
  ): Promise<ChangeOutcome> {
    await requireMesh(this.deps.store.resources, mesh);
    await this.requireDeletable(mesh, request);
    await this.requireEmpty(mesh);
    return this.resources.remove(this.exchange(mesh, request, response));
  }

  private exchange(mesh: string, request: HttpRequest, response: HttpResponse): Exchange {
    if (!isDnsLabel(mesh)) throw request.method === 'GET' ? noSuchMesh() : badMeshName();
    return { mesh, id: { kind: 'Mesh', namespace: '', name: mesh }, request, response };
  }

  /** Before anything is said about what is in it. @throws ProblemError 403 */
  private async requireDeletable(mesh: string, { principal }: HttpRequest): Promise<void> {
    const row = await this.deps.store.resources.get(mesh, 'Mesh', '', mesh);
    const seen = { kind: 'Mesh', namespace: '', name: mesh };
    if (this.access.may(principal, 'delete', mesh, { ...seen, labels: row?.labels })) return;
    throw forbidden({ ...seen, verb: 'delete', mesh }, this.access.kinds);
  }

  /** Deleting a mesh with something in it would leave rows that no address reaches. */
  private async requireEmpty(mesh: string): Promise<void> {
    const { registry, store } = this.deps;
    for (const { kind } of registry.kinds.filter((k) => k.kind !== 'Mesh')) {
      const { items } = await store.resources.list({ mesh, kind, limit: 1 });
      if (items.length > 0) throw notEmpty(`resources (${kind} ${items[0]?.namespace}/${items[0]?.name})`);
    }
    const instances = await store.instances.list(mesh);
    if (instances.length > 0) throw notEmpty('instances');
  }
}

const badMeshName = () => notFound('a mesh name is 1 to 63 lower-case letters, digits and inner hyphens');

const notEmpty = (what: string): ProblemError =>
  new ProblemError(409, 'mesh-not-empty', `the mesh still has ${what}: delete them first`);

const hasLabels = (row: StoredResource, wanted: Readonly<Record<string, string>>): boolean =>
  Object.entries(wanted).every(([name, value]) => row.labels[name] === value);
