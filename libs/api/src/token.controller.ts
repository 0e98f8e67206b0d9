import { Controller, Delete, Get, HttpCode, Inject, Param, Post, Req } from '@nestjs/common';
import { z } from 'zod';
import { TOKEN_ROLES } from '#libs/identity';
import { isDnsLabel, nodeId, type ProxyIdentity } from '#libs/kernel';
import { EVERY_MESH, type Extent, ROLE_SUMMARIES, SERVER, type Verb } from '#libs/model';
import { AccessControl } from './access/access-control.js';
import { forbidden } from './access/denials.js';
import { Access, AccessAnywhere, Anonymous, JsonBody, ProxyAccess } from './access.js';
import type { ApiTokenInfo, IssuedApiToken, IssuedProxyToken } from './auth.ports.js';
import { API_DEPS, type ApiDeps } from './deps.js';
import { FailureLimiter } from './failure-limiter.js';
import { actorOf, type HttpRequest, peerOf } from './http.js';
import { requireMesh, requireNamespace } from './meshes.js';
import { invalid, notFound, ProblemError } from './problem.js';
import { parseBy } from './query.js';
import { ReplayCache } from './replay-cache.js';

const tokenName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._@-]{0,62}$/, '1 to 63 letters, digits and . _ @ -');
const label = z.string().refine(isDnsLabel, 'a DNS label: 1 to 63 lower-case letters, digits and inner hyphens');

export const exchangeBody = z.strictObject({
  token: z.string().min(1).max(512).describe('The one-time admin token.'),
  name: tokenName.default('admin').describe('Name of the token to make.'),
});

export const apiTokenBody = z.strictObject({
  name: tokenName.describe('Who or what will hold it: shown by history.'),
  role: z
    .enum(TOKEN_ROLES)
    .default('none')
    .describe(
      `Role in every mesh that the token is for. ${Object.entries(ROLE_SUMMARIES)
        .map(([role, summary]) => `${role}: ${summary}`)
        .join('. ')}. none: only what RoleBindings give to its name and groups. Default: none.`,
    ),
  groups: z
    .array(tokenName)
    .max(32)
    .default([])
    .describe('Groups that RoleBindings may name, at most 32. Default: none.'),
  meshes: z
    .array(label)
    .max(64)
    .default([])
    .describe('The only meshes in which the token is worth anything, at most 64; empty = every one. Default: empty.'),
  ttlDays: z.int().min(1).max(365).default(30).describe('Lifetime in days: 1 to 365, default 30.'),
});

export const proxyTokenBody = z.strictObject({
  workload: label.describe('What runs: the identity.'),
  instance: z
    .string()
    .refine(
      (name) => isDnsLabel(name) || /^[a-z0-9][-a-z0-9]{0,61}\*$/.test(name),
      'an instance name, or a prefix and *',
    )
    .describe('The one instance it is for; or a name prefix followed by `*`.'),
  labels: z
    .record(z.string().max(317), z.string().max(63))
    .default({})
    .describe('Labels that the instance may carry; `workload` is always among them.'),
  addresses: z
    .array(z.union([z.cidrv4(), z.cidrv6()]))
    .max(64)
    .default([])
    .describe('Addresses that it may bind or advertise, as CIDR; empty = any.'),
  ttlDays: z.int().min(1).max(90).default(7).describe('Lifetime in days: 1 to 90, default 7.'),
});

const iso = (at: number): string => new Date(at).toISOString();

/** Tokens of people, programs and proxies. A token's text is in the answer that makes it and nowhere else (SEC-44). */
@Controller('api/v1')
export class TokenController {
  private readonly issued: ReplayCache;

  constructor(
    @Inject(API_DEPS) private readonly deps: ApiDeps,
    @Inject(FailureLimiter) private readonly failures: FailureLimiter,
    @Inject(AccessControl) private readonly access: AccessControl,
  ) {
    this.issued = new ReplayCache(deps.clock);
  }

  @Post('login/exchange')
  @Anonymous()
  @JsonBody(4_096)
  async exchange(@Req() request: HttpRequest): Promise<unknown> {
    const { token, name } = parseBy(exchangeBody, request.body);
    this.failures.check(peerOf(request), '');
    const issued = await this.deps.auth.exchangeOneTimeToken(token, name, {
      ...actorOf(request),
      ...{ name: 'one-time token', role: 'admin' },
    });
    if (issued.ok) return apiTokenView(issued.value);
    if (issued.error.code === 'invalid') throw invalid(issued.error.violations);
    this.failures.failed(peerOf(request), '');
    throw new ProblemError(
      401,
      'unauthorized',
      'the one-time token is wrong, was used, or is older than 1 h: "heddle token create --admin --local" makes another',
    );
  }

  /** Those that are of no other mesh than the caller may list tokens of. */
  @Get('tokens')
  @AccessAnywhere('list', 'ApiToken')
  async list(@Req() request: HttpRequest): Promise<unknown> {
    const tokens = (await this.deps.auth.listApiTokens()).filter((token) => this.may(request, 'list', token.meshes));
    return {
      items: tokens.map(({ id, name, role, groups, meshes, createdAt, expiresAt, lastUsedAt, revoked }) => ({
        id,
        name,
        role,
        groups,
        meshes,
        createdAt: iso(createdAt),
        expiresAt: iso(expiresAt),
        ...(lastUsedAt === 0 ? {} : { lastUsedAt: iso(lastUsedAt) }),
        revoked,
      })),
    };
  }

  @Post('tokens')
  @AccessAnywhere('create', 'ApiToken')
  @JsonBody()
  async create(@Req() request: HttpRequest): Promise<unknown> {
    const body = parseBy(apiTokenBody, request.body);
    await this.requireGrantable(request, body);
    return this.issued.once(request, async () => {
      const issued = await this.deps.auth.issueApiToken(body, actorOf(request));
      if (!issued.ok) throw invalid(issued.error);
      return apiTokenView(issued.value);
    });
  }

  @Delete('tokens/:id')
  @HttpCode(204)
  @AccessAnywhere('delete', 'ApiToken')
  async revoke(@Param('id') id: string, @Req() request: HttpRequest): Promise<void> {
    const token = (await this.deps.auth.listApiTokens()).find((one) => one.id === id);
    // Of other meshes there are no tokens, as far as the caller is concerned (SEC-34).
    if (token === undefined || !this.may(request, 'delete', token.meshes)) throw notFound('there is no such token');
    await this.deps.auth.revokeApiToken(id, actorOf(request));
  }

  @Post('tokens/renew')
  @ProxyAccess()
  async renew(@Req() request: HttpRequest): Promise<unknown> {
    const { principal } = request;
    if (principal?.type !== 'proxy') throw new ProblemError(403, 'forbidden', 'this endpoint is for proxy tokens');
    const renewed = await this.deps.auth.renewProxyToken(principal.token);
    if (!renewed.ok) throw new ProblemError(401, 'unauthorized', 'the token cannot be renewed: it is not in force');
    return { token: renewed.value.token, expiresAt: iso(renewed.value.expiresAt) };
  }

  @Post('meshes/:mesh/namespaces/:namespace/proxy-tokens')
  @Access('create', 'ProxyToken')
  @JsonBody()
  async createForProxy(
    @Param('mesh') mesh: string,
    @Param('namespace') namespace: string,
    @Req() request: HttpRequest,
  ): Promise<unknown> {
    await requireMesh(this.deps.store.resources, mesh);
    requireNamespace(namespace);
    const body = parseBy(proxyTokenBody, request.body);
    const labels = { ...body.labels, workload: body.workload };
    this.require(request, { verb: 'create', kind: 'ProxyToken', mesh, namespace, labels });
    return this.issued.once(request, async () => {
      const issued = await this.deps.auth.issueProxyToken({ mesh, namespace, ...body });
      if (!issued.ok) throw invalid(issued.error);
      const { workload, instance, addresses } = body;
      const grants = { namespace, workload, instance, labels, addresses, expiresAt: iso(issued.value.expiresAt) };
      const token = { kind: 'ProxyToken' as const, id: issued.value.jti, grants };
      // Before it is handed out: no row stands for it, and nobody holds a token that the audit does not know.
      await this.deps.store.audit.tokenDecided({ action: 'token-create', actor: actorOf(request), mesh, token });
      return proxyTokenView(issued.value, { mesh, namespace, workload: body.workload, instance: body.instance });
    });
  }

  @Delete('meshes/:mesh/proxy-tokens/:jti')
  @HttpCode(204)
  @Access('delete', 'ProxyToken')
  async revokeForProxy(
    @Param('mesh') mesh: string,
    @Param('jti') jti: string,
    @Req() request: HttpRequest,
  ): Promise<void> {
    await requireMesh(this.deps.store.resources, mesh);
    // A jti does not say whose it is: only who may revoke all of them may revoke by it (SEC-30).
    this.require(request, { verb: 'delete', kind: 'ProxyToken', mesh: EVERY_MESH });
    // No list of issued tokens is kept, so only the form can tell that there is none.
    if (!/^[\w-]{16}\.[\w-]{8}$/.test(jti))
      throw notFound('there is no such proxy token: its id is the jti that was shown with it');
    await this.deps.auth.revokeProxyToken(jti, { actor: actorOf(request), mesh });
  }

  /** @throws ProblemError 403 */
  private require({ principal }: HttpRequest, extent: Extent): void {
    if (!this.access.rightsOf(principal).covers(extent)) throw forbidden(extent, this.access.kinds);
  }

  /** Tokens that are for some meshes are in the hands of who may do this in all of them. */
  private may({ principal }: HttpRequest, verb: Verb, meshes: ApiTokenInfo['meshes']): boolean {
    const rights = this.access.rightsOf(principal);
    const places = meshes.length > 0 ? meshes : [SERVER];
    return places.every((mesh) => rights.covers({ verb, kind: 'ApiToken', mesh, namespace: '' }));
  }

  /**
   * Nobody grants what he does not hold: a token has its role, and what is bound to its name and groups.
   * @throws ProblemError 403; StoreUnavailable
   */
  private async requireGrantable(request: HttpRequest, body: z.output<typeof apiTokenBody>): Promise<void> {
    const outside = body.meshes.find((mesh) => !this.may(request, 'create', [mesh]));
    if (outside !== undefined || !this.may(request, 'create', body.meshes)) {
      throw forbidden({ verb: 'create', kind: 'ApiToken', mesh: outside ?? SERVER }, this.access.kinds);
    }
    await this.access.policies.refresh();
    const [missing] = this.access.rightsOf(request.principal).lacks(this.access.policies.grantsOf(body));
    if (missing) throw forbidden(missing, this.access.kinds, 'nobody grants what he does not hold');
  }
}

const apiTokenView = ({ id, name, role, groups, meshes, token, expiresAt }: IssuedApiToken) => ({
  id,
  name,
  role,
  groups,
  meshes,
  token,
  expiresAt: iso(expiresAt),
});

const proxyTokenView = ({ token, jti, expiresAt }: IssuedProxyToken, proxy: ProxyIdentity) => ({
  token,
  jti,
  expiresAt: iso(expiresAt),
  nodeId: nodeId(proxy),
});
