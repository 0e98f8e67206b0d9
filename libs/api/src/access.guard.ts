import { createHash } from 'node:crypto';
import type { CanActivate, ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { ACCESS, type AccessRule } from './access.js';
import { type AuthPort, holds, type Role } from './auth.ports.js';
import { FailureLimiter } from './failure-limiter.js';
import { bearerToken, type HttpRequest, peerOf } from './http.js';
import { ProblemError } from './problem.js';

/**
 * The one place that decides who may call what. It sits on the routed handler, never on the address: however the
 * address is spelled, no handler runs without it (SEC-32).
 */
export class AccessGuard implements CanActivate {
  constructor(
    private readonly auth: AuthPort,
    private readonly failures: FailureLimiter,
    private readonly reflector = new Reflector(),
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const rule = this.reflector.get<AccessRule | undefined>(ACCESS, context.getHandler());
    if (rule === undefined) throw new ProblemError(403, 'forbidden', 'this endpoint states no permission');
    if (rule.type === 'anonymous') return true;
    const request = context.switchToHttp().getRequest<HttpRequest>();
    const token = bearerToken(request);
    if (token === undefined) throw unauthorized('send a token: "Authorization: Bearer <token>"');
    const fingerprint = createHash('sha256').update(token).digest('hex');
    this.failures.check(peerOf(request), fingerprint);
    const passed = await this.admit(request, rule, token);
    if (passed !== undefined) {
      this.failures.failed(peerOf(request), fingerprint);
      throw passed;
    }
    this.failures.succeeded(fingerprint);
    return true;
  }

  /** Undefined when the token is in force, with `request.principal` set; else what to answer. @throws 403 for the wrong kind or role */
  private async admit(request: HttpRequest, rule: AccessRule, token: string): Promise<ProblemError | undefined> {
    if (isApiToken(token)) {
      const principal = await this.auth.verifyApiToken(token);
      if (principal === undefined) return unauthorized('the token is unknown, expired or revoked');
      if (rule.type === 'proxy') throw forbidden('this endpoint is for proxy tokens');
      if (rule.type !== 'anonymous' && !holds(principal.role, rule.role)) throw tooLow(principal.role, rule.role);
      request.principal = { type: 'api', ...principal };
      return undefined;
    }
    const claims = await this.auth.verifyProxyToken(token);
    if (!claims.ok) return unauthorized('the token is unknown, expired or revoked');
    if (rule.type === 'role') throw forbidden('proxy tokens may register, renew and leave, nothing else');
    request.principal = { type: 'proxy', claims: claims.value, token };
    return undefined;
  }
}

/** API tokens say what they are; everything else is tried as a proxy token. */
const isApiToken = (token: string): boolean => token.startsWith('hdl_');

const unauthorized = (detail: string): ProblemError =>
  new ProblemError(401, 'unauthorized', detail, { headers: { 'WWW-Authenticate': 'Bearer realm="heddle"' } });

const forbidden = (detail: string): ProblemError => new ProblemError(403, 'forbidden', detail);

const tooLow = (held: Role, needed: Role): ProblemError =>
  forbidden(`this needs the role ${needed}; the token has ${held}`);
