import { Controller, Delete, Get, HttpCode, Inject, Param, Put, Query, Req, Res } from '@nestjs/common';
import { isDnsLabel } from '#libs/kernel';
import { type InstanceSpec, instanceSpecOf, type Verb } from '#libs/model';
import type { InstanceRow } from '#libs/store';
import { AccessControl } from './access/access-control.js';
import { forbidden } from './access/denials.js';
import { Access, AccessOrProxy, JsonBody } from './access.js';
import { API_DEPS, type ApiDeps } from './deps.js';
import { actorOf, type HttpRequest, type HttpResponse } from './http.js';
import { instanceViolations, overlap } from './instance.rules.js';
import { instanceBody, instanceOf } from './instance.schema.js';
import { requireMesh, requireNamespace } from './meshes.js';
import { invalid, notFound, ProblemError } from './problem.js';
import { leaveQuery, nothingQuery, parseBy, parseQuery } from './query.js';

interface Place {
  readonly mesh: string;
  readonly namespace: string;
  readonly name: string;
}

/** Instances: runtime state, not manifests. A proxy writes its own with its own token. */
@Controller('api/v1/meshes/:mesh')
export class InstanceController {
  /** Registrations one after the other, so that two cannot both find an address free. */
  private last: Promise<unknown> = Promise.resolve();

  constructor(
    @Inject(API_DEPS) private readonly deps: ApiDeps,
    @Inject(AccessControl) private readonly access: AccessControl,
  ) {}

  @Get('instances')
  @Access('list', 'Instance')
  async listAll(@Param('mesh') mesh: string, @Query() query: unknown, @Req() request: HttpRequest): Promise<unknown> {
    parseQuery(nothingQuery, query);
    await requireMesh(this.deps.store.resources, mesh);
    return { items: this.readable(request, await this.deps.store.instances.list(mesh)).map(viewOf) };
  }

  @Get('namespaces/:namespace/instances')
  @Access('list', 'Instance')
  async list(
    @Param('mesh') mesh: string,
    @Param('namespace') namespace: string,
    @Query() query: unknown,
    @Req() request: HttpRequest,
  ) {
    parseQuery(nothingQuery, query);
    await requireMesh(this.deps.store.resources, mesh);
    requireNamespace(namespace);
    return { items: this.readable(request, await this.deps.store.instances.list(mesh, namespace)).map(viewOf) };
  }

  @Get('namespaces/:namespace/instances/:name')
  @Access('get', 'Instance')
  async get(@Param() place: Place, @Req() request: HttpRequest): Promise<unknown> {
    await this.requirePlace(place);
    const row = await this.find(place);
    if (!this.may(request, 'get', row)) throw noSuchInstance(place);
    return viewOf(row);
  }

  @Put('namespaces/:namespace/instances/:name')
  @AccessOrProxy(['create', 'update'], 'Instance')
  @JsonBody()
  async put(
    @Param() place: Place,
    @Req() request: HttpRequest,
    @Res({ passthrough: true }) response: HttpResponse,
  ): Promise<unknown> {
    // Before anything is looked up: a token learns nothing about what it does not cover.
    requireCovered(request, place);
    await this.requirePlace(place);
    const body = parseBy(instanceBody, request.body);
    const spec = instanceOf(body, placeOf(place), grantedTo(request));
    this.requireGranted(request, spec);
    const violations = instanceViolations(spec);
    if (violations.length > 0) throw invalid(violations);
    return this.inTurn(async () => {
      const { instances } = this.deps.store;
      const known = await instances.get(spec.mesh, spec.namespace, spec.name);
      this.requirePermitted(request, spec, known);
      requireOwn(spec, known);
      requireFree(spec, await instances.onHost(spec.mesh, spec.host));
      const row = await instances.register(spec, actorOf(request));
      response.statusCode = known ? 200 : 201;
      return viewOf(row);
    });
  }

  @Delete('namespaces/:namespace/instances/:name')
  @HttpCode(200)
  @AccessOrProxy('delete', 'Instance')
  async leave(
    @Param() place: Place,
    @Req() request: HttpRequest,
    @Query() query: unknown,
  ): Promise<{ readonly acked: boolean }> {
    requireCovered(request, place);
    const { wait } = parseQuery(leaveQuery, query);
    await this.requirePlace(place);
    const row = await this.find(place);
    this.requireGranted(request, row);
    if (!this.may(request, 'delete', row)) {
      throw this.may(request, 'get', row) ? this.forbidden('delete', row) : noSuchInstance(place);
    }
    return this.deps.runtime.deregister(place.mesh, place.namespace, place.name, wait * 1000);
  }

  private async requirePlace({ mesh, namespace, name }: Place): Promise<void> {
    await requireMesh(this.deps.store.resources, mesh);
    requireNamespace(namespace);
    if (!isDnsLabel(name)) throw notFound('an instance name is 1 to 63 lower-case letters, digits and inner hyphens');
  }

  private async find({ mesh, namespace, name }: Place): Promise<InstanceRow> {
    const row = await this.deps.store.instances.get(mesh, namespace, name);
    if (row === undefined) throw noSuchInstance({ namespace, name });
    return row;
  }

  /** A proxy token registers what it grants and nothing else: nobody joins a service uninvited (SEC-1, SEC-13). */
  private requireGranted({ principal }: HttpRequest, spec: InstanceSpec): void {
    if (principal?.type !== 'proxy') return;
    const excess = this.deps.auth.excess(principal.claims, { ...spec, bindAddress: spec.bind.address });
    if (excess.length === 0) return;
    const detail = `the token does not grant this: ${excess[0]?.message ?? ''}`;
    throw new ProblemError(403, 'not-granted', detail, { violations: excess });
  }

  private readable({ principal }: HttpRequest, rows: readonly InstanceRow[]): InstanceRow[] {
    return rows.filter((row) => this.access.may(principal, 'list', row.mesh, seen(row)));
  }

  /** Proxies are judged by what their token grants instead. */
  private may({ principal }: HttpRequest, verb: Verb, row: InstanceSpec): boolean {
    return principal?.type === 'proxy' || this.access.may(principal, verb, row.mesh, seen(row));
  }

  /** The labels that it has and those that it would have: nobody moves an instance into or out of his scope. */
  private requirePermitted(request: HttpRequest, spec: InstanceSpec, known: InstanceRow | undefined): void {
    const verb = known ? 'update' : 'create';
    const denied = [known, spec].find((state) => state && !this.may(request, verb, state));
    if (denied) throw this.forbidden(verb, spec);
  }

  private forbidden(verb: Verb, { mesh, namespace, name }: InstanceSpec): ProblemError {
    return forbidden({ verb, kind: 'Instance', mesh, namespace, name }, this.access.kinds);
  }

  private inTurn<T>(act: () => Promise<T>): Promise<T> {
    const next = this.last.then(act, act);
    this.last = next.catch(() => undefined);
    return next;
  }
}

const seen = ({ namespace, name, labels }: InstanceSpec) => ({ kind: 'Instance', namespace, name, labels });

const noSuchInstance = ({ namespace, name }: Pick<Place, 'namespace' | 'name'>): ProblemError =>
  notFound(`there is no instance ${namespace}/${name}`);

const placeOf = ({ mesh, namespace, name }: Place): Place => ({ mesh, namespace, name });

/** A name stands for one workload until it has left: another one would take its place and its view (SEC-13). */
function requireOwn(spec: InstanceSpec, known: InstanceRow | undefined): void {
  if (known === undefined || known.workload === spec.workload) return;
  throw new ProblemError(
    409,
    'instance-taken',
    `instance ${spec.namespace}/${spec.name} belongs to the workload ${known.workload}: take another name, or deregister it first`,
  );
}

const isSame = (a: Place, b: Place): boolean => a.namespace === b.namespace && a.name === b.name;

const grantedTo = ({ principal }: HttpRequest): Readonly<Record<string, string>> =>
  principal?.type === 'proxy' ? principal.claims.labels : {};

/** Of another mesh, a token sees what everybody sees of a mesh that is not there (SEC-34). */
function requireCovered({ principal }: HttpRequest, { mesh, namespace, name }: Place): void {
  if (principal?.type !== 'proxy') return;
  const { claims } = principal;
  if (claims.mesh !== mesh) throw notFound('there is no such mesh');
  const named = claims.instance.endsWith('*')
    ? name.startsWith(claims.instance.slice(0, -1))
    : name === claims.instance;
  if (claims.namespace === namespace && named) return;
  throw new ProblemError(403, 'not-granted', `the token is for ${claims.namespace}/${claims.instance}`);
}

function requireFree(spec: InstanceSpec, others: readonly InstanceRow[]): void {
  const taken = others
    .filter((other) => !isSame(other, spec) && !other.leaving)
    .flatMap((other) => overlap(spec, other) ?? []);
  const [first] = taken;
  if (first !== undefined) throw new ProblemError(409, 'address-overlap', first.message, { violations: taken });
}

/** An instance as answers carry it. */
function viewOf(row: InstanceRow) {
  const status = {
    uid: row.uid,
    routable: row.routable,
    leaving: row.leaving,
    attached: row.attached.length,
    envoyVersion: row.envoyVersion,
    runtimeRevision: row.runtimeRevision,
  };
  return { ...instanceSpecOf(row), status };
}
