import { Controller, Get, Inject, Param, Query, Req } from '@nestjs/common';
import type {
  EdgeDetail,
  EdgeSignals,
  FailurePage,
  InstanceSignals,
  Listed,
  ServiceDetail,
  ServiceMap,
  ServiceSignals,
  Sight,
  SignalChart,
  ZoneSignals,
} from '#libs/telemetry';
import { AccessControl } from '../access/access-control.js';
import { Access } from '../access.js';
import { API_DEPS, type ApiDeps } from '../deps.js';
import type { HttpRequest } from '../http.js';
import { requireMesh, requireName, requireNamespace } from '../meshes.js';
import { notFound } from '../problem.js';
import { parseQuery } from '../query.js';
import { sightOf } from './sight.js';
import {
  chartQuery,
  edgeQuery,
  edgesQuery,
  failuresQuery,
  mapQuery,
  ofServiceQuery,
  serviceQuery,
  servicesQuery,
  timeOf,
} from './telemetry.query.js';

const NO_EDGE = 'there is no such service or caller, or you may not see it';

/** How requests fare: golden signals, who calls whom, single failures. */
@Controller('api/v1/meshes/:mesh/telemetry')
export class TelemetryController {
  constructor(
    @Inject(API_DEPS) private readonly deps: ApiDeps,
    @Inject(AccessControl) private readonly access: AccessControl,
  ) {}

  @Get('services')
  @Access('list', 'Service')
  async services(
    @Param('mesh') mesh: string,
    @Query() query: unknown,
    @Req() request: HttpRequest,
  ): Promise<Listed<ServiceSignals>> {
    const asked = parseQuery(servicesQuery, query);
    const sight = await this.#sight(mesh, request);
    return this.deps.signals.services({ ...asked, ...timeOf(asked), mesh, sight });
  }

  @Get('services/:namespace/:name')
  @Access('get', 'Service')
  async service(@Req() request: HttpRequest, @Query() query: unknown): Promise<ServiceDetail> {
    const { mesh = '', namespace = '', name = '' } = request.params;
    const asked = parseQuery(serviceQuery, query);
    requireNamespace(namespace);
    requireName(name);
    const sight = await this.#sight(mesh, request);
    const of = { mesh, sight, namespace, service: name, stepMs: asked.step };
    const found = await this.deps.signals.service({ ...of, ...timeOf(asked) });
    if (!found) throw notFound(`there is no Service ${namespace}/${name}`);
    return found;
  }

  @Get('chart')
  @Access('get', 'Service')
  async chart(@Param('mesh') mesh: string, @Query() query: unknown, @Req() request: HttpRequest): Promise<SignalChart> {
    const asked = parseQuery(chartQuery, query);
    const sight = await this.#sight(mesh, request);
    const found = await this.deps.signals.chart({ ...asked, ...timeOf(asked), mesh, sight, stepMs: asked.step });
    if (!found) throw notFound(NO_EDGE);
    return found;
  }

  @Get('edges/:namespace/:name')
  @Access('get', 'Service')
  async edge(@Req() request: HttpRequest, @Query() query: unknown): Promise<EdgeDetail> {
    const { mesh = '', namespace = '', name = '' } = request.params;
    // A mesh that one may not see is none, before anything is said of what was asked.
    const sight = await this.#sight(mesh, request);
    const asked = parseQuery(edgeQuery, query);
    requireNamespace(namespace);
    requireName(name);
    const of = { mesh, sight, namespace, service: name, caller: asked.caller, stepMs: asked.step };
    const found = await this.deps.signals.edge({ ...of, ...timeOf(asked) });
    if (!found) throw notFound(NO_EDGE);
    return found;
  }

  @Get('edges')
  @Access('get', 'Service')
  async edges(
    @Param('mesh') mesh: string,
    @Query() query: unknown,
    @Req() request: HttpRequest,
  ): Promise<Listed<EdgeSignals>> {
    const asked = parseQuery(edgesQuery, query);
    const sight = await this.#sight(mesh, request);
    return this.deps.signals.edges({ ...asked, ...timeOf(asked), mesh, sight });
  }

  @Get('instances')
  @Access('get', 'Service')
  async instances(
    @Param('mesh') mesh: string,
    @Query() query: unknown,
    @Req() request: HttpRequest,
  ): Promise<Listed<InstanceSignals>> {
    const asked = parseQuery(ofServiceQuery, query);
    const sight = await this.#sight(mesh, request);
    return this.deps.signals.instances({ ...asked, ...timeOf(asked), mesh, sight });
  }

  @Get('zones')
  @Access('get', 'Service')
  async zones(
    @Param('mesh') mesh: string,
    @Query() query: unknown,
    @Req() request: HttpRequest,
  ): Promise<Listed<ZoneSignals>> {
    const asked = parseQuery(ofServiceQuery, query);
    const sight = await this.#sight(mesh, request);
    return this.deps.signals.zones({ ...asked, ...timeOf(asked), mesh, sight });
  }

  @Get('map')
  @Access('get', 'Service')
  async map(@Param('mesh') mesh: string, @Query() query: unknown, @Req() request: HttpRequest): Promise<ServiceMap> {
    const asked = parseQuery(mapQuery, query);
    const sight = await this.#sight(mesh, request);
    return this.deps.signals.map({ ...asked, ...timeOf(asked), mesh, sight });
  }

  @Get('failures')
  @Access('get', 'Service')
  async failures(
    @Param('mesh') mesh: string,
    @Query() query: unknown,
    @Req() request: HttpRequest,
  ): Promise<FailurePage> {
    const asked = parseQuery(failuresQuery, query);
    const sight = await this.#sight(mesh, request);
    return this.deps.signals.failures({ ...asked, ...timeOf(asked), mesh, sight });
  }

  /** @throws ProblemError 404 unless the mesh exists */
  async #sight(mesh: string, { principal }: HttpRequest): Promise<Sight> {
    const { resources } = this.deps.store;
    await requireMesh(resources, mesh);
    return sightOf({ access: this.access, resources }, principal, mesh);
  }
}
