import { Controller, Get, HttpCode, Inject, Param, Post, Query, Req } from '@nestjs/common';
import type { EnvoyResource, ExplainRefusal, ProxyName } from '#libs/changes';
import type { Result } from '#libs/kernel';
import { printId } from '#libs/model';
import { AccessControl } from '../access/access-control.js';
import { AccessEach, JsonBody } from '../access.js';
import { API_DEPS, type ApiDeps } from '../deps.js';
import type { HttpRequest } from '../http.js';
import { requireMesh } from '../meshes.js';
import { notFound, ProblemError } from '../problem.js';
import { parseBy, parseQuery } from '../query.js';
import { policyQuery, proxyQuery, requestBody, resourceQuery, toRequest } from './explain.query.js';
import {
  Filter,
  type MaySee,
  namesHidden,
  proxySeen,
  told,
  visiblePolicy,
  visibleRequest,
  visibleResource,
} from './visible.js';

/** Why things are as they are: what a proxy has, what a policy does, where a request goes. */
@Controller('api/v1/meshes/:mesh/explain')
export class ExplainController {
  constructor(
    @Inject(API_DEPS) private readonly deps: ApiDeps,
    @Inject(AccessControl) private readonly access: AccessControl,
  ) {}

  @Get('resources')
  @AccessEach('get')
  async resources(@Param('mesh') mesh: string, @Query() query: unknown, @Req() request: HttpRequest) {
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
  async resource(@Param('mesh') mesh: string, @Query() query: unknown, @Req() request: HttpRequest) {
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
  async policy(@Param('mesh') mesh: string, @Query() query: unknown, @Req() request: HttpRequest) {
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
  async request(@Param('mesh') mesh: string, @Req() request: HttpRequest) {
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

interface Asked {
  readonly namespace: string;
  readonly name: string;
  readonly kind?: string;
  readonly type?: string;
  readonly resource?: string;
}

/** @throws ProblemError that says what there is */
function explainedOr<T>(result: Result<T, ExplainRefusal>, asked: Asked, may: MaySee): T {
  if (result.ok) return result.value;
  const refusal = result.error;
  switch (refusal.code) {
    case 'not-compiled':
      throw new ProblemError(503, 'not-compiled', 'this replica has not compiled the mesh (yet): ask again', {
        headers: { 'Retry-After': '2' },
      });
    case 'unknown-proxy':
      throw noProxy(
        asked,
        refusal.proxies.filter((proxy) => may(proxySeen(proxy))),
      );
    case 'unknown-resource':
      throw noResource(
        asked,
        refusal.resources.filter(({ about }) => may(about)),
      );
    case 'unknown-policy':
      throw noPolicy({ kind: '', ...asked });
  }
}

/** What one may not see is not there. */
function requireVisible(proxy: ProxyName, asked: Asked, may: MaySee): void {
  if (!may(proxySeen(proxy))) throw noProxy(asked, []);
}

const MOST_NAMED = 20;

/** `: there are a, b and 14 more` */
function named(names: readonly string[]): string {
  if (names.length === 0) return '';
  const more = names.length - MOST_NAMED;
  return `: there are ${names.slice(0, MOST_NAMED).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

/** Those of the namespace, else of all. */
function noProxy({ namespace, name }: Asked, proxies: readonly ProxyName[]): ProblemError {
  const own = proxies.filter((proxy) => proxy.namespace === namespace);
  const names = (own.length > 0 ? own : proxies).map((proxy) => `${proxy.namespace}/${proxy.instance}`);
  return notFound(`no proxy ${namespace}/${name} is registered${named(names)}`);
}

function noResource({ namespace, name, type = '', resource = '' }: Asked, all: readonly EnvoyResource[]): ProblemError {
  const names = all.filter((one) => one.type === type).map((one) => one.name);
  return notFound(`proxy ${namespace}/${name} has no ${type} ${resource}${named(names)}`);
}

const noPolicy = (id: { readonly kind: string; readonly namespace: string; readonly name: string }): ProblemError =>
  notFound(`there is no policy ${printId(id)}`);
