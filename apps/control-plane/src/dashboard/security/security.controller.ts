import { Controller, Get, Inject, Param, Req } from '@nestjs/common';
import { Access, AccessControl, API_DEPS, type ApiDeps, type HttpRequest, requireMesh } from '#libs/api';
import { printId, SERVER, workloadId } from '#libs/model';
import type { StoredResource } from '#libs/store';
import { type Reading, resourcesOf } from '../catalogue/catalogue.js';
import { reachOf } from '../catalogue/concerns.js';
import type { DenialView, IdentityView, SecurityHome } from './security.view.js';

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
    const { trustDomain, mtls } = await this.ofMesh(mesh);
    const services = await resourcesOf(reading, 'Service');
    const policies = await resourcesOf(reading, 'AuthorizationPolicy').catch(() => []);
    const unguarded = services.filter((service) => !policies.some((policy) => reachOf(policy, service)));
    return {
      ...{ trustDomain, mtls, services: services.length, guarded: services.length - unguarded.length },
      identities: await this.identities(reading, trustDomain),
      unguarded: unguarded.map(keyOf),
      plaintext: await this.plaintext(reading),
      ...(await this.refusals(reading)),
    };
  }

  private async ofMesh(mesh: string): Promise<{ readonly trustDomain: string; readonly mtls: string }> {
    const row = await this.deps.store.resources.get(mesh, 'Mesh', '', mesh);
    const { trustDomain = `${mesh}.heddle.local`, mtls = {} } = (row?.spec ?? {}) as MeshSpec;
    return { trustDomain, mtls: mtls.mode ?? 'STRICT' };
  }

  private async identities({ caller, mesh }: Reading, trustDomain: string): Promise<readonly IdentityView[]> {
    const proxies = this.access.visible(caller, mesh, await this.deps.runtime.proxies(mesh), (proxy) => {
      return { kind: 'Proxy', namespace: proxy.namespace, name: proxy.instance };
    });
    return proxies.shown
      .map(({ namespace, workload, instance, connected, certificateNotAfter, tokenDaysLeft, tokenState }) => ({
        ...{ namespace, workload, instance, connected, certificateNotAfter, tokenDaysLeft, tokenState },
        spiffeId: workloadId(trustDomain, namespace, workload),
      }))
      .sort((a, b) => (a.certificateNotAfter ?? '').localeCompare(b.certificateNotAfter ?? ''));
  }

  private async plaintext({ caller, mesh }: Reading): Promise<SecurityHome['plaintext']> {
    const uses = await this.deps.store.plaintext.seen(mesh, DAY_MS);
    const shown = uses.filter(({ node }) => {
      const [, namespace = '', , name = ''] = node.split('/');
      return this.access.may(caller, 'get', mesh, { kind: 'Proxy', namespace, name });
    });
    const now = this.deps.clock.now();
    return shown.map(({ node, port, requests, ageMs }) => ({
      ...{ port, requests, at: new Date(now - ageMs).toISOString() },
      proxy: node.split('/').slice(1).join('/'),
    }));
  }

  private async refusals({ caller, mesh }: Reading): Promise<Pick<SecurityHome, 'denials' | 'failures'>> {
    const { audit } = this.deps.store;
    const audits = (of: string): boolean =>
      this.access.rightsOf(caller).covers({ verb: 'get', kind: 'Audit', mesh: of, namespace: '' });
    const denials = audits(mesh) ? (await audit.search({ mesh, decision: 'refused', limit: SHOWN })).items : undefined;
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

interface MeshSpec {
  readonly trustDomain?: string;
  readonly mtls?: { readonly mode?: string };
}

const keyOf = ({ namespace, name }: StoredResource): string => `${namespace}/${name}`;
