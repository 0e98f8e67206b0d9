import { Body, Controller, Delete, Get, HttpCode, Inject, Param, Post, Query, Req } from '@nestjs/common';
import type { ReceiverTest, SilenceView } from '#libs/alerts';
import type { Extent } from '#libs/model';
import { AccessControl } from '../access/access-control.js';
import { forbidden } from '../access/denials.js';
import { Access, JsonBody } from '../access.js';
import { API_DEPS, type ApiDeps } from '../deps.js';
import { actorOf, type HttpRequest } from '../http.js';
import { requireMesh, requireName, requireNamespace } from '../meshes.js';
import { notFound } from '../problem.js';
import { parseBy, parseQuery } from '../query.js';
import type { ListView } from '../views.js';
import { silenceBody, silencesQuery } from './alerts.schema.js';
import { seenSilence } from './alerts.view.js';

/** Alerts that nobody is to be told of for a while; and whether somebody is told at all. */
@Controller('api/v1/meshes/:mesh')
export class SilencesController {
  constructor(
    @Inject(API_DEPS) private readonly deps: ApiDeps,
    @Inject(AccessControl) private readonly access: AccessControl,
  ) {}

  @Get('silences')
  @Access('list', 'Silence')
  async list(
    @Param('mesh') mesh: string,
    @Query() query: unknown,
    @Req() { principal }: HttpRequest,
  ): Promise<ListView<SilenceView>> {
    await requireMesh(this.deps.store.resources, mesh);
    const { all } = parseQuery(silencesQuery, query);
    const rows = await this.deps.store.silences.list(mesh, all === 'true');
    const { shown, hidden } = this.access.visible(principal, mesh, rows, seenSilence);
    return { items: shown, hidden };
  }

  @Post('silences')
  @HttpCode(201)
  @JsonBody()
  @Access('create', 'Silence')
  async add(@Param('mesh') mesh: string, @Body() body: unknown, @Req() request: HttpRequest): Promise<SilenceView> {
    await requireMesh(this.deps.store.resources, mesh);
    const { seconds, ...silence } = parseBy(silenceBody, body);
    this.#require(request, mesh, { verb: 'create', namespace: silence.namespace });
    return this.deps.store.silences.add({ mesh, ...silence, forMs: seconds * 1000 }, actorOf(request));
  }

  /** It ends now, and stays in the list of all. */
  @Delete('silences/:id')
  @HttpCode(204)
  @Access('delete', 'Silence')
  async end(@Param('mesh') mesh: string, @Param('id') id: string, @Req() request: HttpRequest): Promise<void> {
    const { resources, silences } = this.deps.store;
    await requireMesh(resources, mesh);
    const silence = /^\d{1,15}$/.test(id) ? await silences.get(mesh, Number(id)) : undefined;
    if (!silence?.active || !this.access.may(request.principal, 'get', mesh, seenSilence(silence))) throw noSilence();
    this.#require(request, mesh, { verb: 'delete', namespace: silence.namespace });
    if (!(await silences.end(mesh, silence.id, actorOf(request)))) throw noSilence();
  }

  /** Sends a notification that says that it is a test. The answer says how that went, never what was answered (SEC-41). */
  @Post('namespaces/:namespace/alertreceivers/:name/test')
  @HttpCode(200)
  @Access('update', 'AlertReceiver')
  async test(
    @Param('mesh') mesh: string,
    @Param('namespace') namespace: string,
    @Param('name') name: string,
    @Req() { principal }: HttpRequest,
  ): Promise<ReceiverTest> {
    const { resources } = this.deps.store;
    await requireMesh(resources, mesh);
    requireNamespace(namespace);
    requireName(name);
    const row = await resources.get(mesh, 'AlertReceiver', namespace, name);
    const seen = { kind: 'AlertReceiver', namespace, name, labels: row?.labels };
    if (!row || !this.access.may(principal, 'get', mesh, seen)) throw noReceiver(namespace, name);
    if (!this.access.may(principal, 'update', mesh, seen))
      throw forbidden({ verb: 'update', kind: 'AlertReceiver', mesh, namespace, name }, this.access.kinds);
    const outcome = await this.deps.alerts.test(mesh, namespace, name);
    if (!outcome) throw noReceiver(namespace, name);
    return outcome;
  }

  /** Of all namespaces is more than of any. @throws ProblemError 403 */
  #require(
    { principal }: HttpRequest,
    mesh: string,
    { verb, namespace }: { readonly verb: 'create' | 'delete'; readonly namespace: string },
  ): void {
    const missing: Extent = { verb, kind: 'Silence', mesh, ...(namespace === '' ? {} : { namespace }) };
    if (!this.access.rightsOf(principal).covers(missing)) throw forbidden(missing, this.access.kinds);
  }
}

const noSilence = () => notFound('there is no silence of this id in force: heddle alerts silences');

const noReceiver = (namespace: string, name: string) =>
  notFound(`there is no AlertReceiver ${namespace}/${name}: heddle get receivers`);
