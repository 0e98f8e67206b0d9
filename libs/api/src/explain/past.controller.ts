import { Controller, Get, Inject, Param, Query, Req } from '@nestjs/common';
import type { PastRefusal } from '#libs/changes';
import type { Result } from '#libs/kernel';
import { AccessControl } from '../access/access-control.js';
import { AccessEach } from '../access.js';
import { API_DEPS, type ApiDeps } from '../deps.js';
import type { HttpRequest } from '../http.js';
import { requireMesh } from '../meshes.js';
import { invalid, notFound, ProblemError } from '../problem.js';
import { parseQuery } from '../query.js';
import type { ProxyOfRevisionView, ProxyThenView } from '../views.js';
import { type Asked, noProxy, noResource, notCompiled, requireVisible } from './explain.problems.js';
import { atQuery, namedResource, revisionQuery } from './explain.query.js';
import { type MaySee, proxySeen } from './visible.js';
import { visibleOfRevision, visibleThen } from './visible-past.js';

/** What proxies were running, and what they would be. */
@Controller('api/v1/meshes/:mesh/explain')
export class ExplainPastController {
  constructor(
    @Inject(API_DEPS) private readonly deps: ApiDeps,
    @Inject(AccessControl) private readonly access: AccessControl,
  ) {}

  @Get('at')
  @AccessEach('get')
  async at(@Param('mesh') mesh: string, @Query() query: unknown, @Req() request: HttpRequest): Promise<ProxyThenView> {
    const may = await this.#reader(mesh, request);
    const { at, namespace, name, ...one } = parseQuery(atQuery, query);
    const asked = { namespace, name, ...one };
    const found = foundOr(
      await this.deps.past.at({ mesh, namespace, name, at, resource: namedResource(one) }),
      asked,
      may,
    );
    requireVisible(found.proxy, asked, may);
    if (found.resource && !may(found.resource.about)) throw noResource(asked, []);
    return visibleThen(may, found);
  }

  @Get('revision')
  @AccessEach('get')
  async revision(
    @Param('mesh') mesh: string,
    @Query() query: unknown,
    @Req() request: HttpRequest,
  ): Promise<ProxyOfRevisionView> {
    const may = await this.#reader(mesh, request);
    const { revision, namespace, name, ...one } = parseQuery(revisionQuery, query);
    const asked = { namespace, name, ...one };
    const found = foundOr(
      await this.deps.past.ofRevision({ mesh, namespace, name, revision, resource: namedResource(one) }),
      asked,
      may,
    );
    requireVisible(found.proxy, asked, may);
    if (found.resource && !may(found.resource.about)) throw noResource(asked, []);
    return visibleOfRevision(may, found);
  }

  async #reader(mesh: string, { principal }: HttpRequest): Promise<MaySee> {
    await requireMesh(this.deps.store.resources, mesh);
    return (seen) => this.access.may(principal, 'get', mesh, seen);
  }
}

/** @throws ProblemError that says what there is */
function foundOr<T>(result: Result<T, PastRefusal>, asked: Asked, may: MaySee): T {
  if (result.ok) return result.value;
  throw problemOf(result.error, asked, may);
}

function problemOf(refusal: PastRefusal, asked: Asked, may: MaySee): ProblemError {
  switch (refusal.code) {
    case 'not-compiled':
      return notCompiled();
    case 'unknown-proxy':
      return noProxy(
        asked,
        refusal.proxies.filter((proxy) => may(proxySeen(proxy))),
      );
    case 'unknown-resource':
      return noResource(
        asked,
        refusal.resources.filter(({ about }) => may(about)),
      );
    case 'nothing-known':
      return may(proxySeen(refusal.proxy)) ? nothingKnown(refusal) : noProxy(asked, []);
    case 'future':
      return invalid([{ path: '/at', code: 'future', message: `is later than now, ${refusal.now}` }], 'invalid-query');
    case 'unknown-revision':
      return notFound(
        `there is no config revision ${refusal.revision} of this mesh: the newest of all is ${refusal.head}`,
      );
    case 'history-removed':
      return new ProblemError(410, 'history-removed', `history was cut: the oldest revision is ${refusal.floor}`);
    case 'busy':
      return new ProblemError(503, 'busy', 'another revision is being compiled: ask again', {
        headers: { 'Retry-After': '2' },
      });
  }
}

function nothingKnown({ proxy, at, next }: PastRefusal & { readonly code: 'nothing-known' }): ProblemError {
  const name = `${proxy.namespace}/${proxy.instance}`;
  const nearest =
    next === undefined ? 'nothing has been recorded of it since' : `the first record after it is of ${next}`;
  return new ProblemError(
    404,
    'nothing-known',
    `nothing is known of what ${name} was running at ${at} (records are kept for 30 days): ${nearest}`,
  );
}
