import { createHash } from 'node:crypto';
import type { CanActivate, ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { type Extent, type Rights, SERVER } from '#libs/model';
import type { AccessControl } from './access/access-control.js';
import { forbiddenAtAll, forbidden as lacks } from './access/denials.js';
import { ACCESS, type AccessRule } from './access.js';
import type { ApiDeps } from './deps.js';
import { FailureLimiter } from './failure-limiter.js';
import { bearerToken, type HttpRequest, type Principal, peerOf } from './http.js';
import { noSuchMesh } from './meshes.js';
import { ProblemError } from './problem.js';
import type { SessionHolder } from './session.port.js';

/**
 * The one place that decides who may call what. It sits on the routed handler, never on the address: however the
 * address is spelled, no handler runs without it (SEC-32).
 */
export class AccessGuard implements CanActivate {
  constructor(
    private readonly deps: Pick<ApiDeps, 'auth' | 'sessions'>,
    private readonly failures: FailureLimiter,
    private readonly control: AccessControl,
    private readonly reflector = new Reflector(),
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const rule = this.reflector.get<AccessRule | undefined>(ACCESS, context.getHandler());
    if (rule === undefined) throw new ProblemError(403, 'forbidden', 'this endpoint states no permission');
    if (rule.type === 'anonymous') return true;
    const request = context.switchToHttp().getRequest<HttpRequest>();
    const holder = this.holderOf(request);
    if (holder === undefined) throw unauthorized('send a token: "Authorization: Bearer <token>"');
    const principal = await this.admit(holder, peerOf(request));
    await this.control.policies.requireFresh();
    request.principal = principal;
    this.require(rule, principal, request.params);
    return true;
  }

  /** @throws ProblemError 401, 429 */
  private async admit(holder: SessionHolder, peer: string): Promise<Principal> {
    // What is sealed cannot be guessed.
    if (holder.type === 'user') return { type: 'api', ...holder.principal };
    const fingerprint = createHash('sha256').update(holder.token).digest('hex');
    this.failures.check(peer, fingerprint);
    const principal = await this.identify(holder);
    if (principal === undefined) {
      this.failures.failed(peer, fingerprint);
      throw unauthorized('the token is unknown, expired or revoked');
    }
    this.failures.succeeded(fingerprint);
    return principal;
  }

  /** The same question for a request that is being answered: rights may have been taken away since. @throws ProblemError */
  async recheck(context: ExecutionContext): Promise<void> {
    const rule = this.reflector.get<AccessRule | undefined>(ACCESS, context.getHandler());
    const request = context.switchToHttp().getRequest<HttpRequest>();
    if (rule === undefined || rule.type === 'anonymous') return;
    const holder = this.holderOf(request);
    if (holder === undefined) throw unauthorized('the session has ended');
    const principal = await this.identify(holder);
    if (principal === undefined) throw unauthorized('the token has ended or was revoked');
    await this.control.policies.requireFresh();
    this.require(rule, principal, request.params);
    request.principal = principal;
  }

  /** A browser has a session, which counts only when nothing else is sent. @throws ProblemError 403 (SEC-36) */
  private holderOf(request: HttpRequest): SessionHolder | undefined {
    if (request.headers.authorization === undefined) return this.deps.sessions?.holderOf(request);
    const token = bearerToken(request);
    return token === undefined ? undefined : { type: 'token', token };
  }

  /** API tokens say what they are; everything else is tried as a proxy token. */
  private async identify(holder: SessionHolder): Promise<Principal | undefined> {
    if (holder.type === 'user') return { type: 'api', ...holder.principal };
    const { token } = holder;
    if (token.startsWith('hdl_')) {
      const principal = await this.deps.auth.verifyApiToken(token);
      return principal && { type: 'api', ...principal };
    }
    const claims = await this.deps.auth.verifyProxyToken(token);
    return claims.ok ? { type: 'proxy', claims: claims.value, token } : undefined;
  }

  /** @throws ProblemError 403, or 404 for a mesh that the caller has no right in (SEC-34) */
  private require(rule: AccessRule, principal: Principal, params: Readonly<Record<string, string>>): void {
    const forProxies = rule.type === 'proxy' || (rule.type === 'permission' && rule.proxies);
    if (principal.type === 'proxy') {
      if (forProxies) return;
      throw forbidden('proxy tokens may register, renew and leave, nothing else');
    }
    if (rule.type === 'proxy') throw forbidden('this endpoint is for proxy tokens');
    const rights = this.control.rightsOf(principal);
    if (rule.type === 'anywhere') this.requireAnywhere(rights, rule);
    if (rule.type === 'permission') this.requirePermission(rights, rule, params);
  }

  private requireAnywhere(rights: Rights, { verb, kind }: Extract<AccessRule, { type: 'anywhere' }>): void {
    if (!rights.isAnywhere({ verb, kind, namespace: '' }))
      throw lacks({ verb, kind, mesh: SERVER }, this.control.kinds);
  }

  private requirePermission(
    rights: Rights,
    { kind, verbs }: Extract<AccessRule, { type: 'permission' }>,
    params: Readonly<Record<string, string>>,
  ): void {
    const { mesh } = params;
    if (mesh !== undefined && !rights.isIn(mesh)) throw noSuchMesh(mesh);
    const wanted = verbs.map((verb) => extentOf(kind, { verb, params }));
    if (wanted.some((extent) => rights.touches(extent))) return;
    const [first] = wanted;
    if (first === undefined || kind === undefined) throw forbiddenAtAll(verbs, mesh ?? SERVER, this.control.kinds);
    throw lacks(first, this.control.kinds);
  }
}

function extentOf(
  kind: string | undefined,
  { verb, params }: { readonly verb: Extent['verb']; readonly params: Readonly<Record<string, string>> },
): Extent {
  const { mesh = SERVER, namespace, name } = params;
  return kind === 'Mesh' ? { verb, kind, mesh, namespace: '', name: mesh } : { verb, kind, mesh, namespace, name };
}

const unauthorized = (detail: string): ProblemError =>
  new ProblemError(401, 'unauthorized', detail, { headers: { 'WWW-Authenticate': 'Bearer realm="heddle"' } });

const forbidden = (detail: string): ProblemError => new ProblemError(403, 'forbidden', detail);
