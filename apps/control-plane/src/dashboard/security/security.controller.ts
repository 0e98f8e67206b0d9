import { Controller, Get, Inject, Param, Req } from '@nestjs/common';
import { Access, AccessControl, API_DEPS, type ApiDeps, type HttpRequest, requireMesh, visibleAudit } from '#libs/api';
import { parseNodeId } from '#libs/kernel';
import { printId, SERVER } from '#libs/model';
import { guardsIn } from '../catalogue/access.js';
import { type Reading, resourcesOf } from '../catalogue/catalogue.js';
import { requireHome } from '../session/homes.js';
import { identitiesOf, meshFacts } from './identities.js';
import { openAmong } from './open-services.js';
import type { DenialView, SecurityHome } from './security.view.js';

const DAY_MS = 86_400_000;
const SHOWN = 20;

/** The home of who keeps the mesh safe: identities, what expires, what is open, who was refused. */
@Controller('api/dashboard/meshes/:mesh/security')
export class SecurityController {
  constructor(
    @Inject(API_DEPS) private readonly deps: ApiDeps,
    @Inject(AccessControl) private readonly access: AccessControl,
  ) {}

  @Get()
  @Access('list', 'Proxy')
  async home(@Param('mesh') mesh: string, @Req() { principal }: HttpRequest): Promise<SecurityHome> {
    const { deps, access } = this;
    await requireMesh(deps.store.resources, mesh);
    const reading = { deps, access, caller: principal, mesh };
    requireHome(access.rightsOf(principal), mesh, 'security');
    const { trustDomain, mtls } = await meshFacts(deps, mesh);
    const services = await resourcesOf(reading, 'Service');
    const guards = await guardsIn(reading);
    return {
      ...{ trustDomain, mtls, services: services.length },
      identities: await identitiesOf(reading, trustDomain),
      open: guards && openAmong(services, guards),
      plaintext: await this.plaintext(reading),
      ...(await this.refusals(reading)),
    };
  }

  private async plaintext({ caller, mesh }: Reading): Promise<SecurityHome['plaintext']> {
    const uses = await this.deps.store.plaintext.seen(mesh, DAY_MS);
    const now = this.deps.clock.now();
    return uses.flatMap(({ node, port, requests, ageMs }) => {
      const { namespace = '', workload = '', instance = '' } = parseNodeId(node) ?? {};
      if (!this.access.may(caller, 'get', mesh, { kind: 'Proxy', namespace, name: instance })) return [];
      const at = new Date(now - ageMs).toISOString();
      return [{ port, requests, at, proxy: `${namespace}/${workload}/${instance}` }];
    });
  }

  private async refusals({ caller, mesh }: Reading): Promise<Pick<SecurityHome, 'denials' | 'failures'>> {
    const { audit } = this.deps.store;
    const audits = (of: string): boolean =>
      this.access.rightsOf(caller).covers({ verb: 'get', kind: 'Audit', mesh: of, namespace: '' });
    const found = audits(mesh) ? await audit.search({ mesh, decision: 'refused', limit: SHOWN }) : undefined;
    const denials = found && visibleAudit(this.access, caller, { mesh }, found.items);
    return {
      denials: denials?.map(
        ({ at, payload }): DenialView => ({
          ...{ at, actor: payload.actor.name, action: payload.action, message: payload.message },
          items: payload.items.map(printId),
        }),
      ),
      failures: audits(SERVER) ? await audit.accessFailures(SHOWN) : undefined,
    };
  }
}
