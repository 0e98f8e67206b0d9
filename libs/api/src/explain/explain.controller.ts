import { Controller, Get, HttpCode, Inject, Param, Post, Query, Req } from '@nestjs/common';
import { AccessControl } from '../access/access-control.js';
import { AccessEach, JsonBody } from '../access.js';
import { API_DEPS, type ApiDeps } from '../deps.js';
import type { HttpRequest } from '../http.js';
import { requireMesh } from '../meshes.js';
import { notFound } from '../problem.js';
import { parseBy, parseQuery } from '../query.js';
import type {
  PolicyExplanationView,
  ProxyResourcesView,
  RequestExplanationView,
  ResourceExplanationView,
} from '../views.js';
import { explainedOr, noPolicy, noResource, requireVisible } from './explain.problems.js';
import { policyQuery, proxyQuery, requestBody, resourceQuery, toRequest } from './explain.query.js';
import { Filter, type MaySee, namesHidden, told, visiblePolicy, visibleRequest, visibleResource } from './visible.js';

/** Why things are as they are: what a proxy has, what a policy does, where a request goes. */
@Controller('api/v1/meshes/:mesh/explain')
export class ExplainController {
  constructor(
    @Inject(API_DEPS) private readonly deps: ApiDeps,
    @Inject(AccessControl) private readonly access: AccessControl,
  ) {}

  @Get('resources')
  @AccessEach('get')
  async resources(
    @Param('mesh') mesh: string,
    @Query() query: unknown,
    @Req() request: HttpRequest,
  ): Promise<ProxyResourcesView> {
    const may = await this.#reader(mesh, request);
    const asked = { mesh, ...parseQuery(proxyQuery, query) };
    const found = explainedOr(await this.deps.explain.resources(asked), asked, may);
    requireVisible(found.proxy, asked, may);
    const filter = new Filter(may);
    const resources = filter.resources(found.resources);
    return { ...told({ ...found, resources }), hidden: filter.hidden };
  }

  @Get('resource')
  @AccessEach('get')
  async resource(
    @Param('mesh') mesh: string,
    @Query() query: unknown,
    @Req() request: HttpRequest,
  ): Promise<ResourceExplanationView> {
    const may = await this.#reader(mesh, request);
    const { full, ...rest } = parseQuery(resourceQuery, query);
    const asked = { mesh, ...rest, full: full === 'true' };
    const found = explainedOr(await this.deps.explain.resource(asked), asked, may);
    requireVisible(found.proxy, asked, may);
    if (!may(found.resource.about)) throw noResource(asked, []);
    return visibleResource(may, found);
  }

  @Get('policy')
  @AccessEach('get')
  async policy(
    @Param('mesh') mesh: string,
    @Query() query: unknown,
    @Req() request: HttpRequest,
  ): Promise<PolicyExplanationView> {
    const may = await this.#reader(mesh, request);
    const id = parseQuery(policyQuery, query);
    const found = explainedOr(await this.deps.explain.policy(mesh, id), id, may);
    if (!may(found.policy)) throw noPolicy(id);
    return visiblePolicy(may, found);
  }

  @Post('request')
  @HttpCode(200)
  @AccessEach('get')
  @JsonBody()
  async request(@Param('mesh') mesh: string, @Req() request: HttpRequest): Promise<RequestExplanationView> {
    const may = await this.#reader(mesh, request);
    const body = parseBy(requestBody, request.body);
    const asked = { mesh, ...body.from };
    const found = explainedOr(await this.deps.explain.request(asked, toRequest(body)), asked, may);
    requireVisible(found.proxy, asked, may);
    if (namesHidden(may, found)) throw notFound('nothing that you may read takes this request');
    return visibleRequest(may, found);
  }

  async #reader(mesh: string, { principal }: HttpRequest): Promise<MaySee> {
    await requireMesh(this.deps.store.resources, mesh);
    return (seen) => this.access.may(principal, 'get', mesh, seen);
  }
}
