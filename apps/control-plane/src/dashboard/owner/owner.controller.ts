import { Controller, Get, Inject, Param, Req } from '@nestjs/common';
import {
  Access,
  AccessControl,
  API_DEPS,
  type ApiDeps,
  type HttpRequest,
  requireMesh,
  type VisibleEntry,
  visibleHistory,
} from '#libs/api';
import { printId } from '#libs/model';
import { serviceRows } from '../catalogue/catalogue.js';
import type { ServiceRow } from '../catalogue/catalogue.view.js';
import { reachOf, type Where } from '../catalogue/concerns.js';
import { requireHome } from '../session/homes.js';
import type { OwnerHome, TouchingChange } from './owner.view.js';

/** Changes that are looked through, and those that are shown. */
const LOOKED_AT = 100;
const SHOWN = 12;

/** The home of who owns services: how they are, who calls them, and what touched them. */
@Controller('api/dashboard/meshes/:mesh/owner')
export class OwnerController {
  constructor(
    @Inject(API_DEPS) private readonly deps: ApiDeps,
    @Inject(AccessControl) private readonly access: AccessControl,
  ) {}

  @Get()
  @Access('list', 'Service')
  async home(@Param('mesh') mesh: string, @Req() { principal }: HttpRequest): Promise<OwnerHome> {
    const { deps, access } = this;
    await requireMesh(deps.store.resources, mesh);
    requireHome(access.rightsOf(principal), mesh, 'owner');
    const [all, entries] = await Promise.all([
      serviceRows({ deps, access, caller: principal, mesh }),
      visibleHistory(access, principal, { mesh, limit: LOOKED_AT }, deps.store.history),
    ]);
    const own = all.filter(({ mine }) => mine);
    const services = own.length > 0 ? own : all;
    return {
      services,
      callers: callersOf(services, all),
      isReader: own.length === 0,
      changes: entries.flatMap((entry) => touching(entry, services, { registry: deps.registry, mesh })).slice(0, SHOWN),
    };
  }
}

const keyOf = ({ namespace, name }: Pick<ServiceRow, 'namespace' | 'name'>): string => `${namespace}/${name}`;

function callersOf(services: readonly ServiceRow[], all: readonly ServiceRow[]): Record<string, string[]> {
  const callers = new Map<string, string[]>(services.map((service) => [keyOf(service), []]));
  for (const caller of all) for (const callee of caller.dependencies) callers.get(callee)?.push(keyOf(caller));
  return Object.fromEntries(callers);
}

interface Document {
  readonly apiVersion?: string;
  readonly spec?: Readonly<Record<string, unknown>>;
}

/** A change touches a service when one of its resources is the service, names it, or holds for its namespace. */
function touching(entry: VisibleEntry, services: readonly ServiceRow[], where: Where): TouchingChange[] {
  const tests = entry.items.flatMap((item) => aboutOf(item, where));
  const touched = services.filter((service) => tests.some((isAbout) => isAbout(service)));
  if (touched.length === 0) return [];
  const { change, at, actor, message } = entry;
  return [{ change, at, actor, message, items: entry.items.map(printId), touched: touched.map(keyOf) }];
}

function aboutOf(
  { kind, namespace, name, before, after }: VisibleEntry['items'][number],
  where: Where,
): ((service: ServiceRow) => boolean)[] {
  if (kind === 'Service') return [(service) => namespace === service.namespace && name === service.name];
  const documents = [before, after].filter((one) => typeof one === 'object' && one !== null) as Document[];
  return documents.flatMap(({ apiVersion = '', spec }) => {
    const reached = spec && reachOf({ apiVersion, kind, namespace, name, spec }, where);
    return reached ? [(service: ServiceRow) => reached(service) !== undefined] : [];
  });
}
