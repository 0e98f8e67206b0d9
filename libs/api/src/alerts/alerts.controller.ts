import { Controller, Get, Header, Inject, Param, Query, Req } from '@nestjs/common';
import type { AlertView, ObjectiveView, PastAlert, ReceiverItem, RuleStatus } from '#libs/alerts';
import { compareCodeUnits } from '#libs/kernel';
import type { Extent } from '#libs/model';
import type { ReceiverDelivery } from '#libs/store';
import { AccessControl, type Seen } from '../access/access-control.js';
import { forbidden } from '../access/denials.js';
import { Access } from '../access.js';
import { API_DEPS, type ApiDeps } from '../deps.js';
import type { HttpRequest } from '../http.js';
import { requireMesh } from '../meshes.js';
import { nothingQuery, parseQuery } from '../query.js';
import type { ListView, PageView } from '../views.js';
import { alertHistoryQuery, alertsQuery } from './alerts.schema.js';
import { seenAlert, viewOfAlert } from './alerts.view.js';

const NONE: Omit<ReceiverDelivery, 'receiver'> = { queued: 0, sentAt: undefined, attempts: 0, error: '', failed: 0 };

/** What is the matter in a mesh, what was, and how what is watched stands. */
@Controller('api/v1/meshes/:mesh/alerts')
export class AlertsController {
  constructor(
    @Inject(API_DEPS) private readonly deps: ApiDeps,
    @Inject(AccessControl) private readonly access: AccessControl,
  ) {}

  @Get()
  @Access('list', 'Alert')
  async list(
    @Param('mesh') mesh: string,
    @Query() query: unknown,
    @Req() request: HttpRequest,
  ): Promise<ListView<AlertView>> {
    const { alerts, silences, resources } = this.deps.store;
    await requireMesh(resources, mesh);
    const { state, namespace, fingerprint } = parseQuery(alertsQuery, query);
    const silencedBy = this.deps.alerts.silencedBy(await silences.list(mesh));
    const { shown, hidden } = this.access.visible(request.principal, mesh, await alerts.list(mesh), seenAlert);
    const wanted = shown.filter(
      (alert) =>
        (state === undefined || alert.state === state) &&
        (namespace === undefined || (alert.labels['namespace'] ?? '') === namespace) &&
        (fingerprint === undefined || alert.fingerprint === fingerprint),
    );
    return { items: wanted.map((alert) => viewOfAlert(alert, silencedBy(alert.labels))).sort(byUrgency), hidden };
  }

  @Get('history')
  @Access('list', 'Alert')
  async history(
    @Param('mesh') mesh: string,
    @Query() query: unknown,
    @Req() request: HttpRequest,
  ): Promise<PageView<PastAlert>> {
    const { alerts, resources } = this.deps.store;
    await requireMesh(resources, mesh);
    const page = await alerts.history({ mesh, ...parseQuery(alertHistoryQuery, query) });
    const seen = ({ alert }: (typeof page.items)[number]): Seen => seenAlert(alert);
    const { shown, hidden } = this.access.visible(request.principal, mesh, page.items, seen);
    const items = shown.map(({ at, state, alert }) => ({ ...viewOfAlert(alert, undefined), state, at }));
    return { items, hidden, cursor: page.cursor };
  }

  @Get('rules')
  @Access('list', 'AlertRule')
  async rules(
    @Param('mesh') mesh: string,
    @Query() query: unknown,
    @Req() request: HttpRequest,
  ): Promise<ListView<RuleStatus>> {
    parseQuery(nothingQuery, query);
    await requireMesh(this.deps.store.resources, mesh);
    return this.#shown(request, mesh, await this.deps.alerts.rules(mesh), 'AlertRule');
  }

  @Get('objectives')
  @Access('list', 'ServiceLevelObjective')
  async objectives(
    @Param('mesh') mesh: string,
    @Query() query: unknown,
    @Req() request: HttpRequest,
  ): Promise<ListView<ObjectiveView>> {
    parseQuery(nothingQuery, query);
    await requireMesh(this.deps.store.resources, mesh);
    return this.#shown(request, mesh, await this.deps.alerts.objectives(mesh), 'ServiceLevelObjective');
  }

  @Get('receivers')
  @Access('list', 'AlertReceiver')
  async receivers(
    @Param('mesh') mesh: string,
    @Query() query: unknown,
    @Req() request: HttpRequest,
  ): Promise<ListView<ReceiverItem>> {
    parseQuery(nothingQuery, query);
    const { resources, alertOutbox } = this.deps.store;
    await requireMesh(resources, mesh);
    const known = new Map((await alertOutbox.deliveries(mesh)).map(({ receiver, ...rest }) => [receiver, rest]));
    const all = await this.deps.alerts.receivers(mesh);
    const items = all.map((one) => ({ ...one, ...(known.get(`${one.namespace}/${one.name}`) ?? NONE) }));
    return this.#shown(request, mesh, items, 'AlertReceiver');
  }

  /** The file names everything in the mesh: whoever may not list that gets none. */
  @Get('prometheus-rules')
  @Access('list', 'AlertRule')
  @Header('content-type', 'application/yaml; charset=utf-8')
  async prometheusRules(
    @Param('mesh') mesh: string,
    @Query() query: unknown,
    @Req() { principal }: HttpRequest,
  ): Promise<string> {
    parseQuery(nothingQuery, query);
    await requireMesh(this.deps.store.resources, mesh);
    for (const kind of ['AlertRule', 'ServiceLevelObjective']) {
      const missing: Extent = { verb: 'list', kind, mesh };
      if (!this.access.rightsOf(principal).covers(missing)) throw forbidden(missing, this.access.kinds);
    }
    return this.deps.alerts.prometheusRules(mesh);
  }

  #shown<T extends { readonly namespace: string; readonly name: string }>(
    { principal }: HttpRequest,
    mesh: string,
    items: readonly T[],
    kind: string,
  ): ListView<T> {
    const seen = ({ namespace, name }: T): Seen => ({ kind, namespace, name });
    const { shown, hidden } = this.access.visible(principal, mesh, items, seen);
    return { items: shown, hidden };
  }
}

const STATES: Readonly<Record<string, number>> = { firing: 0, pending: 1, resolved: 2 };
const SEVERITIES: Readonly<Record<string, number>> = { critical: 0, warning: 1, info: 2 };

/** What fires comes first, then what is worst, then what began last. */
function byUrgency(a: AlertView, b: AlertView): number {
  const rank = ({ state, severity, silence }: AlertView): number =>
    (STATES[state] ?? 3) * 100 + (silence === null ? 0 : 10) + (SEVERITIES[severity] ?? 3);
  return rank(a) - rank(b) || compareCodeUnits(b.since, a.since) || compareCodeUnits(a.name, b.name);
}
