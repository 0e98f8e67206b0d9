import { Controller, Get, Inject, Query, Req, Res, type Type } from '@nestjs/common';
import {
  Anonymous,
  API_DEPS,
  type ApiDeps,
  FailureLimiter,
  type HttpRequest,
  type HttpResponse,
  peerOf,
} from '#libs/api';
import type { RefusalCode } from '../session/session.view.js';
import { requireOwnPage, type Sessions } from '../session/sessions.js';
import type { Attempts } from './attempts.js';
import { landing, pageOf } from './landing.js';
import type { Provider } from './provider.js';
import { refusalOf } from './provider-errors.js';
import { LoginRefused } from './refusal.js';
import type { OidcSettings } from './settings.js';
import { userOfClaims } from './user-of-claims.js';

export interface OidcParts {
  readonly settings: OidcSettings;
  readonly provider: Provider;
  readonly sessions: Sessions;
  readonly attempts: Attempts;
}

/** The way to the identity provider and back. Neither address shows anything of the mesh. */
export function createOidcController({ settings, provider, sessions, attempts }: OidcParts): Type<object> {
  @Controller('api/dashboard/oidc')
  class OidcController {
    constructor(
      @Inject(API_DEPS) private readonly deps: ApiDeps,
      @Inject(FailureLimiter) private readonly failures: FailureLimiter,
    ) {}

    /** @param to page to come back to */
    @Get('login')
    @Anonymous()
    async login(@Query('to') to: unknown, @Req() request: HttpRequest, @Res() response: HttpResponse): Promise<void> {
      requireOwnPage(request);
      const page = pageOf(to);
      // The cookie has to be set where the provider sends the browser back to.
      if (request.headers.host !== new URL(settings.origin).host) {
        redirect(response, `${settings.origin}/login?${new URLSearchParams({ to: page })}`);
        return;
      }
      try {
        const { url, ...secrets } = await provider.begin();
        response.setHeader('Set-Cookie', attempts.begin(request, { ...secrets, page }));
        redirect(response, url);
      } catch (error) {
        this.refuse(request, response, refusalOf(error), page);
      }
    }

    @Get('callback')
    @Anonymous()
    async callback(
      @Query('state') state: unknown,
      @Req() request: HttpRequest,
      @Res() response: HttpResponse,
    ): Promise<void> {
      this.failures.check(peerOf(request), '');
      const attempt = attempts.take(request, state);
      if (attempt === undefined) {
        this.refuse(request, response, new LoginRefused('stale', 'no login of this browser has this state'), '/');
        return;
      }
      try {
        await this.open(request, response, attempt);
      } catch (error) {
        const refusal = refusalOf(error);
        if (refusal.code === 'client') provider.readAgain();
        this.refuse(request, response, refusal, attempt.page);
      }
    }

    private async open(
      request: HttpRequest,
      response: HttpResponse,
      attempt: NonNullable<ReturnType<Attempts['take']>>,
    ): Promise<void> {
      const claims = await provider.finish((request.url ?? '').replace(/^[^?]*/, ''), attempt);
      const user = userOfClaims(claims, settings);
      const { cookie } = sessions.openFor(request, user, settings.sessionMs);
      const { log, metrics } = this.deps;
      metrics.count('heddle_oidc_logins_total', { outcome: 'ok' });
      log.info('somebody logged in by the identity provider', { user: user.name, ...about(request) });
      response.setHeader('Set-Cookie', [cookie, attempts.end(request)]);
      response.setHeader('Content-Type', 'text/html; charset=utf-8');
      response.end(landing(attempt.page));
    }

    /** Back to the page for logins, which says why in words of its own. */
    private refuse(request: HttpRequest, response: HttpResponse, refusal: LoginRefused, page: string): void {
      const { code, message: reason } = refusal;
      const { log, metrics } = this.deps;
      if (GUESSED.includes(code)) this.failures.failed(peerOf(request), '');
      metrics.count('heddle_oidc_logins_total', { outcome: code });
      log.warn('a login by the identity provider was refused', { outcome: code, reason, ...about(request) });
      // Who makes a browser come here with anything else does not end what its user has begun.
      if (code !== 'stale') response.setHeader('Set-Cookie', attempts.end(request));
      redirect(response, `/login?${new URLSearchParams({ refused: code, to: page })}`);
    }
  }
  return OidcController;
}

/** What costs somebody who tries others' answers nothing; failures of the provider are nobody's guesses (SEC-45). */
const GUESSED: readonly RefusalCode[] = ['stale', 'provider'];

const about = (request: HttpRequest) => ({ ip: peerOf(request), requestId: request.requestId });

function redirect(response: HttpResponse, to: string): void {
  response.statusCode = 302;
  response.setHeader('Location', to);
  response.end();
}
