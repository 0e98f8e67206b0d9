import { Controller, Get, Inject, Param, Req } from '@nestjs/common';
import { Access, AccessControl, API_DEPS, type ApiDeps, type HttpRequest, notFound, requireMesh } from '#libs/api';
import type { StoredResource } from '#libs/store';
import { accessTo } from './access.js';
import {
  byNamespace,
  dependenciesOf,
  instancesOf,
  instanceView,
  type Reading,
  resourcesOf,
  selected,
  serviceRow,
  serviceRows,
} from './catalogue.js';
import type { Concerning, Ref, ServiceDetail, ServiceList } from './catalogue.view.js';
import { reachOf, saysOf } from './concerns.js';

/** Services as the pages of the dashboard show them: with their instances, and what has to do with them. */
@Controller('api/dashboard/meshes/:mesh/services')
export class CatalogueController {
  constructor(
    @Inject(API_DEPS) private readonly deps: ApiDeps,
    @Inject(AccessControl) private readonly access: AccessControl,
  ) {}

  @Get()
  @Access('list', 'Service')
  async list(@Param('mesh') mesh: string, @Req() request: HttpRequest): Promise<ServiceList> {
    return { items: await serviceRows(await this.reading(mesh, request)) };
  }

  @Get(':namespace/:name')
  @Access('get', 'Service')
  async detail(
    @Param('mesh') mesh: string,
    @Param('namespace') namespace: string,
    @Param('name') name: string,
    @Req() request: HttpRequest,
  ): Promise<ServiceDetail> {
    const reading = await this.reading(mesh, request);
    const services = await resourcesOf(reading, 'Service');
    const service = services.find((one) => one.namespace === namespace && one.name === name);
    if (service === undefined) throw notFound('there is no such service, or you may not read it');
    const instances = selected(service, byNamespace(await instancesOf(reading)));
    const [around, access] = await Promise.all([this.around(reading, service), accessTo(reading, service)]);
    const { apiVersion, kind, labels, annotations, spec } = service;
    return {
      service: serviceRow(reading, service, instances),
      manifest: { apiVersion, kind, metadata: { name, namespace, labels, annotations }, spec },
      instances: instances.map(instanceView),
      ...around,
      ...neighbours(service, services),
      access,
    };
  }

  private async around(reading: Reading, service: Ref): Promise<Pick<ServiceDetail, 'routes' | 'policies'>> {
    const kinds = this.deps.registry.kinds.filter(({ group }) => ['traffic', 'resilience', 'security'].includes(group));
    const found = await Promise.all(
      kinds.map(async ({ kind, group }) => {
        const rows = await resourcesOf(reading, kind);
        return { group, concerns: rows.flatMap((row) => this.concerning(row, service)) };
      }),
    );
    const of = (isRoute: boolean): Concerning[] =>
      found.flatMap(({ group, concerns }) => ((group === 'traffic') === isRoute ? concerns : []));
    return { routes: of(true), policies: of(false) };
  }

  private concerning(resource: StoredResource, service: Ref): Concerning[] {
    const { kind, namespace, name, mesh } = resource;
    const { registry, runtime } = this.deps;
    const reached = reachOf(resource, { registry, mesh })(service);
    if (reached === undefined) return [];
    const conditions = runtime.conditions(mesh, { kind, namespace, name });
    const problem = conditions.find(({ type, status }) => type === 'Accepted' && status === 'False')?.message;
    const says = saysOf(resource);
    return [{ kind, namespace, name, says, ...reached, ...(problem === undefined ? {} : { problem }) }];
  }

  private async reading(mesh: string, { principal }: HttpRequest): Promise<Reading> {
    await requireMesh(this.deps.store.resources, mesh);
    return { deps: this.deps, access: this.access, caller: principal, mesh };
  }
}

function neighbours(service: StoredResource, services: readonly StoredResource[]) {
  const keyOf = ({ namespace, name }: Ref): string => `${namespace}/${name}`;
  const refOf = (key: string): Ref => ({ namespace: key.split('/')[0] ?? '', name: key.split('/')[1] ?? '' });
  const known = new Set(services.map(keyOf));
  return {
    callers: services
      .filter((other) => dependenciesOf(other).includes(keyOf(service)))
      .map(({ namespace, name }) => ({ namespace, name })),
    callees: dependenciesOf(service).map((key) => ({ ...refOf(key), known: known.has(key) })),
  };
}
