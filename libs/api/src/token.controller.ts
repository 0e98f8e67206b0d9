import { Controller, Delete, Get, HttpCode, Inject, Param, Post, Req } from '@nestjs/common';
import { z } from 'zod';
import { isDnsLabel, nodeId, type ProxyIdentity } from '#libs/kernel';
import { Access, Anonymous, JsonBody, ProxyAccess } from './access.js';
import { type IssuedApiToken, type IssuedProxyToken, ROLES } from './auth.ports.js';
import { API_DEPS, type ApiDeps } from './deps.js';
import { FailureLimiter } from './failure-limiter.js';
import { type HttpRequest, peerOf } from './http.js';
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
  role: z.enum(ROLES).describe('viewer reads; operator also writes; admin also manages API tokens.'),
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
  ) {
    this.issued = new ReplayCache(deps.clock);
  }

  @Post('login/exchange')
  @Anonymous()
  @JsonBody(4_096)
  async exchange(@Req() request: HttpRequest): Promise<unknown> {
    const { token, name } = parseBy(exchangeBody, request.body);
    this.failures.check(peerOf(request), '');
    const issued = await this.deps.auth.exchangeOneTimeToken(token, name);
    if (issued.ok) return apiTokenView(issued.value);
    if (issued.error.code === 'invalid') throw invalid(issued.error.violations);
    this.failures.failed(peerOf(request), '');
    throw new ProblemError(
      401,
      'unauthorized',
      'the one-time token is wrong, was used, or is older than 1 h: "heddle token create --admin --local" makes another',
    );
  }

  @Get('tokens')
  @Access('admin')
  async list(): Promise<unknown> {
    const tokens = await this.deps.auth.listApiTokens();
    return {
      items: tokens.map(({ id, name, role, createdAt, expiresAt, lastUsedAt, revoked }) => ({
        id,
        name,
        role,
        createdAt: iso(createdAt),
        expiresAt: iso(expiresAt),
        ...(lastUsedAt === 0 ? {} : { lastUsedAt: iso(lastUsedAt) }),
        revoked,
      })),
    };
  }

  @Post('tokens')
  @Access('admin')
  @JsonBody()
  create(@Req() request: HttpRequest): Promise<unknown> {
    const body = parseBy(apiTokenBody, request.body);
    return this.issued.once(request, async () => {
      const issued = await this.deps.auth.issueApiToken(body);
      if (!issued.ok) throw invalid(issued.error);
      return apiTokenView(issued.value);
    });
  }

  @Delete('tokens/:id')
  @HttpCode(204)
  @Access('admin')
  async revoke(@Param('id') id: string): Promise<void> {
    const known = /^[\w-]{1,64}$/.test(id) && (await this.deps.auth.revokeApiToken(id));
    if (!known) throw notFound('there is no such token');
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
  @Access('operator')
  @JsonBody()
  async createForProxy(
    @Param('mesh') mesh: string,
    @Param('namespace') namespace: string,
    @Req() request: HttpRequest,
  ): Promise<unknown> {
    await requireMesh(this.deps.store.resources, mesh);
    requireNamespace(namespace);
    const body = parseBy(proxyTokenBody, request.body);
    return this.issued.once(request, async () => {
      const issued = await this.deps.auth.issueProxyToken({ mesh, namespace, ...body });
      if (!issued.ok) throw invalid(issued.error);
      return proxyTokenView(issued.value, { mesh, namespace, workload: body.workload, instance: body.instance });
    });
  }

  @Delete('meshes/:mesh/proxy-tokens/:jti')
  @HttpCode(204)
  @Access('operator')
  async revokeForProxy(@Param('mesh') mesh: string, @Param('jti') jti: string): Promise<void> {
    await requireMesh(this.deps.store.resources, mesh);
    // No list of issued tokens is kept, so only the form can tell that there is none.
    if (!/^[\w-]{16}\.[\w-]{8}$/.test(jti))
      throw notFound('there is no such proxy token: its id is the jti that was shown with it');
    await this.deps.auth.revokeProxyToken(jti);
    await this.deps.runtime.revoke(jti);
  }
}

const apiTokenView = ({ id, name, role, token, expiresAt }: IssuedApiToken) => ({
  id,
  name,
  role,
  token,
  expiresAt: iso(expiresAt),
});

const proxyTokenView = ({ token, jti, expiresAt }: IssuedProxyToken, proxy: ProxyIdentity) => ({
  token,
  jti,
  expiresAt: iso(expiresAt),
  nodeId: nodeId(proxy),
});
